import { type Refusal, RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { DENIED_HINT, unauthenticatedHint } from "./code-words.ts";
import type { FailureContext } from "./failure-context.ts";
import type { Words } from "./reach.ts";
import { countdown, epochMsOf, instantText, printable } from "./render.ts";
import type { KnownReason } from "./rpc-exit-code.ts";
import { inFlags, withInstants } from "./server-words.ts";
import { tooShortHint } from "./short-id.ts";

/** The message and the hint for a refusal. */
export function reasonWords(
  reason: KnownReason,
  refusal: Refusal,
  serverMessage: string,
  { zone, campaignId, url, verb, tokenFrom }: FailureContext,
): Words {
  const words: Record<KnownReason, Words> = {
    [RefusalReason.UNSPECIFIED]: { message: serverMessage, hint: "" },
    [RefusalReason.NOT_STARTED]: {
      message: `not started${startText(refusal, zone)}`,
      hint: "ask again then; coupon status counts down",
    },
    [RefusalReason.ENDED]: { message: "the campaign has ended, nothing more is issued", hint: holders },
    [RefusalReason.CANCELLED]: {
      message: "the campaign was called off, nothing more is issued",
      hint: holders,
    },
    [RefusalReason.PAUSED]: {
      message: "the campaign is held by an operator",
      hint: "ask again once it is resumed; coupon status shows",
    },
    [RefusalReason.NOT_READY]: {
      message: `not ready yet: ${serverMessage}`,
      hint: "coupon watch shows how far it is; try again then",
    },
    [RefusalReason.SOLD_OUT]: {
      message: "sold out, every coupon has a holder",
      hint: holders,
    },
    [RefusalReason.MAX_PER_USER]: {
      message: serverMessage,
      hint: "coupon find --user shows the user's coupons; a repeated --request-id still gets its own",
    },
    [RefusalReason.UNKNOWN_CAMPAIGN]: {
      message: `there is no ${campaignId === undefined ? "such campaign" : `campaign ${printable(campaignId)}`} at ${url}`,
      hint:
        tooShortHint(campaignId) ??
        "coupon list shows those that there are, coupon config which service is asked",
    },
    [RefusalReason.NO_COUPON]: {
      message: "no coupon matches",
      hint: noCouponHint(verb),
    },
    [RefusalReason.INVALID]: {
      message: `the service refused ${withInstants(inFlags(serverMessage, verb), zone)}`,
      hint:
        (serverMessage.startsWith("campaign_id: ") ? tooShortHint(campaignId) : undefined) ??
        invalidHint(serverMessage, verb),
    },
    [RefusalReason.OVERLOADED]: {
      message: overloadedWords(serverMessage),
      hint: "ask again with the same key",
    },
    [RefusalReason.UNCERTAIN]: {
      message: "a store did not confirm it, it may or may not have happened",
      hint: "ask again with the same key",
    },
    [RefusalReason.CONFLICT]: {
      message: `this request id was already used with other properties: ${serverMessage}`,
      hint: "give another --request-id, or the very same properties (a relative --start or --end differs each time)",
    },
    [RefusalReason.NOT_ALLOWED]: {
      message: serverMessage,
      hint: "coupon history shows what was done with it; docs/life-cycle.md has the whole table",
    },
    [RefusalReason.UNAUTHENTICATED]: {
      message: `the service refused the credential: ${serverMessage}`,
      hint: unauthenticatedHint(tokenFrom),
    },
    [RefusalReason.PERMISSION_DENIED]: { message: `not allowed: ${serverMessage}`, hint: DENIED_HINT },
    [RefusalReason.RATE_LIMITED]: {
      message: `the service limits how often it may be asked: ${serverMessage}`,
      hint: serverMessage.includes("wrong credential")
        ? unauthenticatedHint(tokenFrom)
        : "wait a moment, then ask again with the same key",
    },
    [RefusalReason.DEADLINE_EXCEEDED]: {
      message: "the deadline passed before the service tried anything",
      hint: "ask again with the same key and a longer --timeout",
    },
    [RefusalReason.UNKNOWN_SINK]: {
      message: serverMessage.replace("name: ", ""),
      hint: "coupon sinks list shows those that there are",
    },
    [RefusalReason.SINK_EXISTS]: {
      message: serverMessage.replace(/^name: |; UpdateSink changes it$/g, ""),
      hint: "coupon sinks edit changes it, coupon sinks show tells how it is set up",
    },
    [RefusalReason.TOO_MANY_SINKS]: {
      message: serverMessage,
      hint: "coupon sinks list shows them, coupon sinks remove removes one",
    },
    [RefusalReason.NOT_VALID_YET]: {
      message: withInstants(serverMessage.replace("key: ", "the key: "), zone),
      hint: "redeem it then",
    },
    [RefusalReason.VALIDITY_OVER]: {
      message: withInstants(serverMessage.replace("key: ", "the key: "), zone),
      hint: "coupon get shows the rules of its campaign",
    },
    [RefusalReason.VOIDED]: {
      message: withInstants(serverMessage.replace("key: ", "the key: "), zone),
      hint: "coupon redemptions shows operators who did that and why; coupon unvoid takes it back",
    },
    [RefusalReason.RESERVED]: {
      message: withInstants(serverMessage.replace("key: ", "the key: "), zone),
      hint: `${reservedFor(refusal)}; coupon redemptions shows operators by which key`,
    },
    [RefusalReason.REDEEMED]: {
      message: withInstants(serverMessage.replace("key: ", "the key: "), zone),
      hint: verb === "redeem" && /by this key$/.test(serverMessage) ? finalHint : redeemedHint,
    },
    [RefusalReason.NO_RESERVATION]: {
      message: withInstants(serverMessage.replace("key: ", "the key: "), zone),
      hint: "coupon redeem --reserve makes one",
    },
    [RefusalReason.RESERVATION_OVER]: {
      message: serverMessage.replace("key: ", "the key: ").replace("; reserve with another key", ""),
      hint: "reserve with another --key",
    },
  };
  return words[reason];
}

/** What to look at where the verb found no coupon. */
function noCouponHint(verb: string | undefined): string {
  if (verb === "redeem")
    return "check the code; where the campaign binds its coupons to their users, give --user and who claimed it";
  if (verb === "void" || verb === "unvoid" || verb === "redemptions")
    return "check the code: only one that was issued is found";
  return "check the key, coupon issue claims one";
}

/** For how long another key's reservation lasts at most. */
function reservedFor({ retryAfterMs }: Refusal): string {
  return retryAfterMs > 0n
    ? `ask again in ${countdown(Number(retryAfterMs))}, when it has timed out unless it is confirmed`
    : "its reservation times out";
}

const finalHint = "what is confirmed is final";
const redeemedHint = "coupon redemptions shows operators by which key and when";

/** The hint for a field that the service refused. */
function invalidHint(serverMessage: string, verb: string | undefined): string {
  if (serverMessage.startsWith("code_format: ")) return "coupon formats shows which fit";
  if (verb === "edit" && serverMessage.startsWith("ends_at: has passed")) {
    return "coupon end ends a campaign that has opened, at once";
  }
  if (serverMessage.startsWith("ends_at: must be after starts_at")) {
    return verb === "edit"
      ? "give an end after the start, or --no-end where there is to be none; coupon reschedule moves the start"
      : "give the end too, as in --end start+2h, or --no-end where there is to be none";
  }
  return "--help says what is allowed";
}

const holders = "coupon find shows whether a key has one";
const nothingTried = /^(?<why>.*); nothing was tried, ask again with the same key$/s;

/** The reason for OVERLOADED, where the service's message contains one. */
function overloadedWords(serverMessage: string): string {
  const why = nothingTried.exec(serverMessage)?.groups?.["why"];
  return why === undefined ? "the service is overloaded, nothing was tried" : `nothing was tried: ${why}`;
}

function startText(refusal: Refusal, zone: string): string {
  const startsMs = epochMsOf(refusal.startsAt);
  if (startsMs === undefined) return "";
  const serverMs = epochMsOf(refusal.serverTime);
  const left = serverMs === undefined ? "" : `, in ${countdown(startsMs - serverMs)}`;
  return `: opens at ${instantText(startsMs, zone)}${left}`;
}
