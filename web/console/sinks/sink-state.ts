import { type Sink, SinkKind } from "../../../proto/gen/coupon/v1/sink_pb.ts";
import type { Words } from "../i18n/words.ts";
import { durationText } from "../views/texts.ts";
import type { PlainSinkKey, SinkWords } from "./sink-words.ts";

/** How a sink does; `gone`: its receiver answered 410; `idle`: it is not paused, and no process delivers. */
export type SinkState = "active" | "paused" | "gone" | "failing" | "idle";

export function stateOf({ paused, goneBecause, delivery }: Sink): SinkState {
  if (goneBecause !== "") return "gone";
  if (paused) return "paused";
  if (delivery?.process === undefined) return "idle";
  return delivery.failing.length > 0 ? "failing" : "active";
}

/** The class of the badge, of those that the states of campaigns have. */
export const BADGES: Readonly<Record<SinkState, string>> = {
  ...{ active: "badge-open", paused: "badge-paused", gone: "badge-cancelled" },
  ...{ failing: "badge-cancelled", idle: "badge-paused" },
};

/** One that this page does not know is of a later version. */
export function kindKey(kind: SinkKind): PlainSinkKey {
  if (kind === SinkKind.WEBHOOK) return "sink.kind.webhook";
  return kind === SinkKind.RABBITMQ ? "sink.kind.rabbitmq" : "sink.kind.unknown";
}

/** Whole seconds: tenths of one would jump about. */
export function lagTime(lagMs: bigint, words: Pick<Words, "t" | "number">): string {
  return durationText(Math.round(Number(lagMs) / 1_000) * 1_000, words);
}

/** What the sink has not got yet, in events and in time. */
export function lagText({ delivery }: Sink, words: SinkWords): string {
  const count = Number(delivery?.waiting ?? 0n);
  const lagMs = delivery?.lagMs ?? 0n;
  if (count === 0) return words.s("sink.lagNone");
  // Without a process, nobody knows how long the oldest of them has waited.
  const key = delivery?.process === undefined ? "sink.lagAtMost" : "sink.lagOf";
  return words.s(key, { count, time: lagTime(lagMs, words) });
}
