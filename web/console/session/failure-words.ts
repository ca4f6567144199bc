import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Refusal, RefusalReason, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import type { Words } from "../i18n/words.ts";

/** A failed call. */
export type Failure = {
  /** The service's own words, in English; empty: it said none. */
  readonly detail: string;
  /** For a field that the service refused: its name in the contract, such as starts_at. */
  readonly field: string | undefined;
  readonly reason: RefusalReason;
  /** The change may have happened: only the same request_id makes a repetition safe. */
  readonly isUncertain: boolean;
  /** Asking again with the same request_id may succeed. */
  readonly isWorthRetrying: boolean;
  readonly refusal: Refusal | undefined;
};

const WORTH_RETRYING: readonly RefusalReason[] = [
  RefusalReason.OVERLOADED,
  RefusalReason.RATE_LIMITED,
  RefusalReason.DEADLINE_EXCEEDED,
];
const FIELD = /^(\w+): /s;

export function failureOf(error: unknown): Failure {
  const told = ConnectError.from(error);
  const refusal = told.findDetails(RefusalSchema)[0];
  const reason = refusal?.reason ?? RefusalReason.UNSPECIFIED;
  const field = reason === RefusalReason.INVALID ? FIELD.exec(told.rawMessage)?.[1] : undefined;
  // Without a detail, the answer is not of the service: a proxy's, or none.
  const isUncertain =
    reason === RefusalReason.UNCERTAIN ||
    (refusal === undefined && [Code.Unavailable, Code.Unknown, Code.DeadlineExceeded].includes(told.code));
  return {
    // Without an answer of the service these are the browser's words, which say nothing more.
    detail: refusal === undefined && told.code === Code.Unknown ? "" : told.rawMessage,
    field,
    reason,
    isUncertain,
    isWorthRetrying: isUncertain || WORTH_RETRYING.includes(reason),
    refusal,
  };
}

/** A status of 4xx without a word of the service: a proxy was reached, or it, and does not take this. */
const isProxysRefusal = (message: string): boolean => /^HTTP 4\d\d$/.test(message);

/** What happened, in the words of the page; the failure's `detail` may say more. */
export function failureText(error: unknown, { t, clock }: Pick<Words, "t" | "clock">): string {
  const { code, rawMessage } = ConnectError.from(error);
  const { reason, refusal } = failureOf(error);
  switch (reason) {
    case RefusalReason.UNAUTHENTICATED:
      return t("failure.unauthenticated");
    case RefusalReason.PERMISSION_DENIED:
      return t("failure.denied");
    case RefusalReason.UNKNOWN_CAMPAIGN:
      return t("failure.unknownCampaign");
    case RefusalReason.NO_COUPON:
      return t("failure.noCoupon");
    case RefusalReason.OVERLOADED:
      return t("failure.overloaded");
    case RefusalReason.UNCERTAIN:
      return t("failure.uncertain");
    case RefusalReason.RATE_LIMITED:
      return t("failure.rateLimited", { seconds: Math.ceil(Number(refusal?.retryAfterMs ?? 0) / 1_000) });
    case RefusalReason.DEADLINE_EXCEEDED:
      return t("failure.deadline");
    case RefusalReason.CONFLICT:
      return t("failure.conflict");
    case RefusalReason.NOT_ALLOWED:
      return t("failure.notAllowed");
    case RefusalReason.NOT_STARTED: {
      const at = refusal?.startsAt;
      const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
      return t("failure.notStarted", { at: at === undefined ? "?" : clock(timestampMs(at), zone) });
    }
    case RefusalReason.INVALID:
      return t("failure.invalid");
    default:
      if (code === Code.DeadlineExceeded) return t("failure.noAnswer");
      if (isProxysRefusal(rawMessage)) return t("failure.other", { message: rawMessage });
      if (code === Code.Unavailable || code === Code.Unknown) return t("failure.unreachable");
      return t("failure.other", { message: rawMessage });
  }
}
