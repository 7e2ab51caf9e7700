// One graphile-worker with a local queue; a user's jobs have a queue's name in common, so they run one after another.
// `prepare` in the arguments makes the schema, and ends.
import { run, runMigrations } from "graphile-worker";

import { deliver } from "./provider.mjs";

const connectionString = process.env.BENCHMARK_DATABASE_URL;
const preset = {
  worker: {
    connectionString,
    concurrentJobs: Number(process.argv[2]),
    maxPoolSize: 10,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};
if (process.argv[2] === "prepare") {
  await runMigrations({ connectionString });
  process.exit(0);
}
const { Logger } = await import("graphile-worker");
const runner = await run({
  preset,
  logger: new Logger(() => (level, message) => level === "error" && console.error(message)),
  taskList: { sms: (payload) => deliver(payload.number, payload.user) },
});
await runner.promise;
