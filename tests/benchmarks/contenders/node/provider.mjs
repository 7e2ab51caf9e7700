// What provider.py is for the other peers: takes its time, and notes each delivery in the journal, 32 bytes each.
import { openSync, writeSync } from "node:fs";

const LATENCY = 1000 * Number(process.env.BENCHMARK_LATENCY_SECONDS || "0"); // milliseconds
const journal = openSync(process.env.BENCHMARK_JOURNAL, "a");

const now = () => (performance.timeOrigin + performance.now()) / 1000;

export async function deliver(number, user) {
  const called = now();
  if (LATENCY) await new Promise((resolve) => setTimeout(resolve, LATENCY));
  const entry = Buffer.alloc(32);
  entry.writeBigInt64LE(BigInt(number), 0);
  entry.writeBigInt64LE(BigInt(user), 8);
  entry.writeDoubleLE(called, 16);
  entry.writeDoubleLE(now(), 24);
  writeSync(journal, entry);
}
