// The thread of `fineAlarm`: sleeps until the last order is due, posts its number, waits for the next order.
// Plain JavaScript, because tsx does not reach into threads on Node 20.
import { parentPort, workerData } from "node:worker_threads";

/** @type {{ count: Int32Array, dueMs: Float64Array }} */
const { count, dueMs } = workerData;
let rung = 0;
for (;;) {
  const order = Atomics.load(count, 0);
  // A new order that comes after this read changes the count, so the wait ends at once.
  const leftMs =
    order === rung ? Number.POSITIVE_INFINITY : (dueMs[0] ?? 0) - Number(process.hrtime.bigint()) / 1e6;
  if (leftMs > 0) Atomics.wait(count, 0, order, leftMs);
  else {
    rung = order;
    parentPort?.postMessage(order);
  }
}
