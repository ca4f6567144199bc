import { Worker } from "node:worker_threads";
import type { Alarm } from "../../callers/alarm.ts";

/** The thread's input: the number of orders so far, and when the last one is due (`monotonicMs`). */
export type AlarmOrders = { readonly count: Int32Array; readonly dueMs: Float64Array };

/** The same in all threads on the machine, in ms; `performance.now()` counts from each thread's own start. */
export const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * An alarm with a resolution of about 0.1 ms: a thread sleeps until the instant and posts a message. Node's
 * timers have whole milliseconds. That is half of the time that an answer takes, and all callers due within
 * the same millisecond would start together.
 */
export function fineAlarm(): Alarm & { close(): Promise<unknown> } {
  const orders: AlarmOrders = {
    count: new Int32Array(new SharedArrayBuffer(4)),
    dueMs: new Float64Array(new SharedArrayBuffer(8)),
  };
  const thread = new Worker(new URL("alarm-thread.mjs", import.meta.url), { workerData: orders });
  let wanted: (() => void) | undefined;
  let order = 0;
  thread.on("message", (rung: number) => {
    if (rung !== order) return;
    const callback = wanted;
    wanted = undefined;
    callback?.();
  });
  thread.on("error", (error) => {
    throw error;
  });
  return {
    set(afterMs, callback) {
      wanted = callback;
      orders.dueMs[0] = monotonicMs() + afterMs;
      order = Atomics.add(orders.count, 0, 1) + 1;
      Atomics.notify(orders.count, 0);
    },
    clear() {
      wanted = undefined;
    },
    close: () => thread.terminate(),
  };
}
