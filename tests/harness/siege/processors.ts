import { cpus } from "node:os";
import { cpuSeconds } from "../../../bench/rates/ground.ts";

/** Processor time while a sale's users pressed; 1: one processor, all of the time. */
export type ProcessorShares = {
  readonly service: number;
  /** The honest users: this process. */
  readonly callers: number;
  /** 0 in a sale without a crowd. */
  readonly crowd: number;
  /** The stores, and whatever else ran on the machine. */
  readonly others: number;
};

/** Returns a function that tells the shares from now on. All processes must live until it is called. */
export function watchProcessors(pids: {
  readonly service: readonly number[];
  readonly crowd: number | undefined;
}): () => ProcessorShares {
  const read = () => ({
    ms: performance.now(),
    service: pids.service.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    callers: cpuSeconds(process.pid),
    crowd: pids.crowd === undefined ? 0 : cpuSeconds(pids.crowd),
    all:
      cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) / 1_000,
  });
  const before = read();
  return () => {
    const now = read();
    const share = (of: "service" | "callers" | "crowd" | "all") =>
      ((now[of] - before[of]) * 1_000) / (now.ms - before.ms);
    const [service, callers, crowd] = [share("service"), share("callers"), share("crowd")];
    return { service, callers, crowd, others: Math.max(0, share("all") - service - callers - crowd) };
  };
}
