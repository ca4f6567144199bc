import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import {
  EventLevel,
  type Traffic as TrafficMessage,
  TrafficSchema,
  type WatchEvent as WatchEventMessage,
  WatchEventSchema,
  type WatchedProcess,
  WatchedProcessSchema,
} from "../../proto/gen/coupon/v1/watch_pb.ts";
import type { SeenProcess } from "../../record/processes.ts";
import type { WatchEvent } from "./sight.ts";
import type { Traffic } from "./traffic.ts";

const LEVELS = {
  info: EventLevel.INFO,
  warning: EventLevel.WARNING,
  alarm: EventLevel.ALARM,
} as const satisfies Record<WatchEvent["level"], EventLevel>;

const whole = (ms: number) => BigInt(Math.max(0, Math.round(ms)));

export function viewTraffic({ answersPerSecond, outcomes, p50Ms, p99Ms }: Traffic): TrafficMessage {
  return create(TrafficSchema, {
    answersPerSecond,
    outcomes: outcomes.map(({ outcome, perSecond, total }) => ({ outcome, perSecond, total: BigInt(total) })),
    ...(p50Ms === undefined ? {} : { p50Ms }),
    ...(p99Ms === undefined ? {} : { p99Ms }),
  });
}

export function viewProcess(one: SeenProcess): WatchedProcess {
  return create(WatchedProcessSchema, {
    id: one._id,
    host: one.host,
    pid: one.pid,
    roles: one.roles,
    version: one.version,
    silentMs: whole(one.ageMs),
    clockUncertaintyMs: one.redisClock?.uncertaintyMs ?? 0,
    ...(one.worker === undefined ? {} : { worker: one.worker }),
    ...(one.redisClock === undefined ? {} : { clockOffsetMs: one.redisClock.offsetMs }),
    ...(one.tickAgeMs === undefined ? {} : { tickAgeMs: whole(one.tickAgeMs) }),
  });
}

export function viewEvent({ atMs, level, kind, text, revision, states }: WatchEvent): WatchEventMessage {
  return create(WatchEventSchema, {
    ...{ at: timestampFromMs(atMs), level: LEVELS[level], kind, text },
    ...(revision === undefined ? {} : { revision }),
    ...(states === undefined
      ? {}
      : { fromState: CampaignState[states.from], toState: CampaignState[states.to] }),
  });
}
