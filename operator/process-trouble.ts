import type { WatchedProcess } from "../proto/gen/coupon/v1/watch_pb.ts";

/** A process whose last heartbeat is older is shown as silent. */
const silentMs = 5_000;
const lateTickMs = 5_000;
const clockOffMs = 50;

export const isSilent = (one: WatchedProcess): boolean => one.silentMs >= silentMs;

/** Whether the tick was late at the last heartbeat: later ticks of a silent process are unknown. */
export const isLate = (one: WatchedProcess): boolean =>
  one.tickAgeMs !== undefined && one.tickAgeMs - one.silentMs > lateTickMs;

/** Whether its clock may differ from that of Redis by more than 50 ms, or could not be measured. */
export const isClockOff = ({ clockOffsetMs, clockUncertaintyMs }: WatchedProcess): boolean =>
  clockOffsetMs === undefined || Math.abs(clockOffsetMs) + clockUncertaintyMs > clockOffMs;

export const isTroubled = (one: WatchedProcess): boolean => isSilent(one) || isLate(one) || isClockOff(one);
