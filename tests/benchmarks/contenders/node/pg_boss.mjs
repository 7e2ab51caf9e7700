// One pg-boss worker: a batch at a time, of which a key's jobs are never two, as `key_strict_fifo` has it.
// `prepare` in the arguments makes the schema and the queues, and ends.
import { PgBoss } from "pg-boss";

import { deliver } from "./provider.mjs";

const boss = new PgBoss({ connectionString: process.env.BENCHMARK_DATABASE_URL, useListenNotify: true });
boss.on("error", (error) => console.error(error));
await boss.start();
if (process.argv[2] === "prepare") {
  for (const name of ["sms", "email"]) await boss.createQueue(name, { policy: "key_strict_fifo", notify: true });
  await boss.stop({ graceful: false });
} else {
  const options = { batchSize: Number(process.argv[2]), pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
  // It has no order by itself: what it fetches is in the order of publication, and each batch has one of a key.
  await boss.work("sms", { ...options, burstWhenReadyExceeds: 1 }, (jobs) =>
    Promise.all(jobs.map((job) => deliver(job.data.number, job.data.user))),
  );
}
