import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { sinkLagMs } from "../../events/sink-lag.ts";
import { shownTarget } from "../../events/sinks/event-sinks.ts";
import {
  type DeadLetter,
  DeadLetterSchema,
  type Sink,
  type SinkDelivery,
  SinkDeliverySchema,
  SinkFailureSchema,
  SinkKind,
  type SinkProcess,
  SinkProcessSchema,
  SinkSchema,
} from "../../proto/gen/coupon/v1/sink_pb.ts";
import type { CursorDoc, DeadLetterDoc, SinkSettings } from "../../record/event-documents.ts";
import type { SeenProcess } from "../../record/processes.ts";
import type { SeenSink } from "../../record/sinks.ts";
import type { SinkFacts } from "./sink-facts.ts";

const PREFIX_LENGTH = 12;
const KINDS = { webhook: SinkKind.WEBHOOK, rabbitmq: SinkKind.RABBITMQ } as const satisfies Record<
  SinkSettings["kind"],
  SinkKind
>;

/** A sink as operators see it: without its secrets. `processes`: those with a heartbeat. */
export function viewSink(seen: SeenSink, facts: SinkFacts, processes: readonly SeenProcess[]): Sink {
  const { settings, campaignId = "", types = [], thresholds, since, changed } = seen;
  return create(SinkSchema, {
    name: seen._id,
    kind: KINDS[settings.kind],
    target: shownTarget(settings),
    batched: settings.kind === "webhook" && settings.batched === true,
    ...viewSecrets(settings, seen.now),
    ...{ campaignId, types: [...types], thresholds: [...thresholds], paused: seen.paused === true },
    goneBecause: seen.goneBecause ?? "",
    ...(since === undefined ? {} : { since: timestampFromDate(since) }),
    ...{ addedBy: seen.addedBy, addedAt: timestampFromDate(seen.addedAt) },
    ...(changed === undefined ? {} : { changedBy: changed.by, changedAt: timestampFromDate(changed.at) }),
    delivery: viewDelivery(seen, facts, processes),
  });
}

function viewDelivery(
  seen: SeenSink,
  { totals, waiting, dead, failing }: SinkFacts,
  processes: readonly SeenProcess[],
): SinkDelivery {
  const { lease, now } = seen;
  const { lastError, deliveredAt } = totals;
  const holder = lease !== undefined && lease.until > now ? lease.owner : undefined;
  return create(SinkDeliverySchema, {
    delivered: BigInt(totals.delivered),
    failedAttempts: BigInt(totals.failed),
    waiting: BigInt(waiting),
    lagMs: BigInt(Math.round(sinkLagMs(seen, now.getTime()))),
    ...{ deadLetters: BigInt(dead.letters), deadLetterEvents: BigInt(dead.events) },
    ...(holder === undefined ? {} : { process: viewSinkProcess(holder, processes) }),
    failing: failing.map(viewFailure),
    ...(lastError === undefined
      ? {}
      : { lastError: lastError.text, lastErrorAt: timestampFromDate(lastError.at) }),
    ...(deliveredAt === undefined ? {} : { lastDeliveredAt: timestampFromDate(deliveredAt) }),
  });
}

/** A process by its owner id. */
export function viewSinkProcess(id: string, processes: readonly SeenProcess[]): SinkProcess {
  const { host = "", pid = 0 } = processes.find(({ _id }) => _id === id) ?? {};
  return create(SinkProcessSchema, { id, host, pid });
}

function viewFailure({ campaignId, failing }: CursorDoc) {
  return create(SinkFailureSchema, {
    campaignId,
    ...(failing === undefined
      ? {}
      : {
          since: timestampFromDate(failing.since),
          attempts: failing.attempts,
          nextAttemptAt: timestampFromDate(failing.nextAt),
          error: failing.error,
        }),
  });
}

export function viewDeadLetter(letter: DeadLetterDoc): DeadLetter {
  const { failing } = letter;
  return create(DeadLetterSchema, {
    ...{ id: letter._id, sink: letter.sink, campaignId: letter.campaignId },
    ...{ events: letter.events, firstEventId: letter.firstId },
    failingSince: timestampFromDate(failing.since),
    ...{ attempts: failing.attempts, error: failing.error },
    at: timestampFromDate(letter.at),
    replaying: letter.replay === true,
  });
}

/** The start of the SHA-256 of each secret that signs at `now`: it tells them apart, and nothing of them. */
function viewSecrets(settings: SinkSettings, now: Date) {
  if (settings.kind !== "webhook") return {};
  const signing = settings.secrets.filter(({ until }) => until === undefined || until > now);
  const secretSha256Prefixes = signing.map(({ secret }) =>
    createHash("sha256").update(secret).digest("hex").slice(0, PREFIX_LENGTH),
  );
  const ends = signing.flatMap(({ until }) => until?.getTime() ?? []);
  const overlap = ends.length === 0 ? {} : { overlapUntil: timestampFromDate(new Date(Math.max(...ends))) };
  return { secretSha256Prefixes, ...overlap };
}
