import { create } from "@bufbuild/protobuf";
import { LineTooLong, linesOf } from "../audit/lines.ts";
import { RedemptionState } from "../proto/gen/coupon/v1/redemption_pb.ts";
import { RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";
import { CheckVerdict, type VerifyCheck, VerifyCheckSchema } from "../proto/gen/coupon/v1/verify_pb.ts";
import { counted } from "../runtime/counting.ts";
import { call } from "./call.ts";
import { refusalOf } from "./failure.ts";
import { unreadable } from "./file-trouble.ts";
import type { Session } from "./session.ts";
import { UncertainCall, UserError } from "./user-error.ts";

export const confirmedTitle = "every acknowledged redemption is on record";

/** What a redeemer was told; `at` names its line, so that no code has to be named. */
type Confirmed = { readonly code: string; readonly key: string; readonly at: string };

type Found = "on record" | "of another campaign" | "unknown code" | "another key";

export interface ConfirmedReport {
  /** Confirmations in the files. */
  readonly entries: number;
  /** Those of coupons of other campaigns: they are not judged. */
  readonly ofOthers: number;
  readonly check: VerifyCheck;
}

const lineBytesMax = 64 * 1024;
/** Questions to the service at once. */
const askedAtOnce = 8;
const flag = "--confirmed";

const wrongWords: Readonly<Partial<Record<Found, string>>> = {
  "unknown code": "was confirmed, and its code is that of no coupon",
  "another key": "was confirmed, and is not redeemed under its key on record",
};

/**
 * R2 from outside: asks the service for the redemptions of each code that a redeemer was told is redeemed.
 * A confirmation is never taken back, so each must be there, whenever it is asked.
 */
export async function checkConfirmed(
  session: Session,
  { campaignId, files, offendersMax }: { campaignId: string; files: readonly string[]; offendersMax: number },
): Promise<ConfirmedReport> {
  let [entries, ofOthers, violations] = [0, 0, 0];
  const offenders: { words: string }[] = [];
  const confirmed = confirmedIn(files);
  function judge({ at }: Confirmed, found: Found): void {
    entries += 1;
    if (found === "of another campaign") ofOthers += 1;
    const wrong = wrongWords[found];
    if (wrong === undefined) return;
    violations += 1;
    if (offenders.length < offendersMax) offenders.push({ words: `${at} ${wrong}` });
  }
  async function work(): Promise<void> {
    try {
      for (let next = await confirmed.next(); next.done !== true; next = await confirmed.next())
        judge(next.value, await lookUp(session, campaignId, next.value));
    } finally {
      // Where one fails, the others end too.
      await confirmed.return(undefined);
    }
  }
  await Promise.all(Array.from({ length: askedAtOnce }, work));
  const compared = entries - ofOthers;
  const others = ofOthers === 0 ? "" : `, ${counted(ofOthers, "other")} of other campaigns`;
  const check = create(VerifyCheckSchema, {
    ...{ invariant: "R2", title: confirmedTitle, compared, violations, offenders },
    detail: `${counted(compared, "acknowledged confirmation")}${others}`,
    verdict:
      violations > 0 ? CheckVerdict.VIOLATED : compared === 0 ? CheckVerdict.NOT_JUDGED : CheckVerdict.HOLDS,
    notJudgedBecause: compared === 0 ? "the redeemers' records hold no confirmation of this campaign" : "",
  });
  return { entries, ofOthers, check };
}

async function lookUp(session: Session, campaignId: string, { code, key }: Confirmed): Promise<Found> {
  try {
    const { redemptions } = await call(session, (options) =>
      session.redemptions.getCouponRedemptions({ code }, options),
    );
    if (redemptions?.campaignId !== campaignId) return "of another campaign";
    const isOnRecord = redemptions.redemptions.some(
      (one) => one.key === key && one.state === RedemptionState.CONFIRMED,
    );
    return isOnRecord ? "on record" : "another key";
  } catch (error) {
    const cause = error instanceof UncertainCall ? error.cause : error;
    if (refusalOf(cause)?.reason === RefusalReason.NO_COUPON) return "unknown code";
    throw error;
  }
}

/** The confirmations in JSON-lines files; a last line that its writer did not finish is left out. */
async function* confirmedIn(files: readonly string[]): AsyncGenerator<Confirmed> {
  for (const file of files) {
    try {
      for await (const { number, text, ended } of linesOf(file, lineBytesMax)) {
        if (text.trim() === "") continue;
        const at = files.length === 1 ? `line ${number}` : `${file}, line ${number}`;
        const parsed = parse(text);
        if (parsed === undefined && ended) throw broken(`${file}: line ${number} is no confirmation`);
        if (parsed !== undefined && parsed !== "no confirmation") yield { ...parsed, at };
      }
    } catch (error) {
      if (error instanceof LineTooLong) throw broken(`${file}: ${error.message}`);
      throw error instanceof UserError ? error : unreadable(file, error, flag);
    }
  }
}

const broken = (why: string) =>
  new UserError(`${flag}: ${why}`, { hint: 'a line is {"code":"…","key":"…"}, or an answer of the service' });

/** Of `{code, key}`, or of an answer of the service, which has them in `redemption`; undefined: neither. */
function parse(text: string): Pick<Confirmed, "code" | "key"> | "no confirmation" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { code, key, state } = Object(Object(value).redemption ?? value);
  if (typeof code !== "string" || typeof key !== "string") return undefined;
  const isConfirmed = state === undefined || state === "REDEMPTION_STATE_CONFIRMED";
  return isConfirmed ? { code, key } : "no confirmation";
}
