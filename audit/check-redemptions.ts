import { counted } from "../runtime/counting.ts";
import type { Check, Facts } from "./facts.ts";
import type { RecordedUse, RedemptionRecord, RedemptionRules } from "./redemptions.ts";
import { type Findings, type Named, redactCode, redactKey } from "./verdict.ts";

const DAY_MS = 86_400_000;
const ONCE: RedemptionRules = { fromMs: undefined, untilMs: undefined, days: undefined, max: 1 };
const SEPARATOR = "\u001f";

/** The name of a code, which stays secret. */
function nameOf({ register }: Facts, code: string): Named {
  const slot = register.codes.find(code);
  return slot === -1 ? { name: redactCode(code) } : register.nameCode(slot);
}

const confirmedOf = ({ uses }: RedemptionRecord) => uses.filter(({ state }) => state === "confirmed");

/** From when on a use had its code for itself; undefined: never. */
const beginOf = ({ state, reservedAtMs, endedAtMs }: RecordedUse) =>
  reservedAtMs ?? (state === "confirmed" ? endedAtMs : undefined);

/** Until when it had it; a confirmed one has it for ever. */
const endOf = ({ state, untilMs, endedAtMs }: RecordedUse) =>
  state === "confirmed" ? Number.POSITIVE_INFINITY : state === "reserved" ? untilMs : endedAtMs;

/** R1: no code is confirmed, or kept by keys at one time, more often than its campaign allows. */
export function checkRedeemedAtMost(facts: Facts, findings: Findings): Check {
  const { max } = facts.campaign.redemption ?? ONCE;
  let redeemed = 0;
  return {
    redemption(record) {
      const name = nameOf(facts, record.code);
      if (record.misfit !== undefined)
        return findings.violation("misshapen redemption", name, `: its redemptions: ${record.misfit}`);
      const confirmed = confirmedOf(record).length;
      redeemed += confirmed;
      const keys = new Set(record.uses.map(({ key }) => key));
      if (confirmed > max)
        findings.violation("redeemed too often", name, ` is redeemed ${confirmed} times, and may be ${max}`);
      else if (keys.size < record.uses.length)
        findings.violation("two redemptions of one key", name, " has two redemptions with one key");
      else if (mostAtOnce(record.uses) > max)
        findings.violation("kept too often", name, ` was kept by more than ${max} at one time`);
    },
    verdict: () => findings.verdict(redeemed, `${counted(redeemed, "redemption")}`),
  };
}

/** How many uses had the code at one time, at most. Where one ends as another begins, they do not meet. */
function mostAtOnce(uses: readonly RecordedUse[]): number {
  const steps = uses.flatMap((use) => {
    const [begin, end] = [beginOf(use), endOf(use)];
    return begin === undefined || end === undefined || end <= begin
      ? []
      : [
          { atMs: begin, by: 1 },
          { atMs: end, by: -1 },
        ];
  });
  let [now, most] = [0, 0];
  for (const { by } of steps.sort((a, b) => a.atMs - b.atMs || a.by - b.by)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** R2: each confirmation that a caller was answered is on record. */
export function checkConfirmedOnRecord(facts: Facts, findings: Findings): Check {
  const told = new Set<string>();
  const missing = new Set<string>();
  return {
    toldRedemption({ code, key }) {
      told.add(code + SEPARATOR + key);
      missing.add(code + SEPARATOR + key);
    },
    redemption(record) {
      for (const { key } of confirmedOf(record)) missing.delete(record.code + SEPARATOR + key);
    },
    verdict() {
      for (const one of missing) {
        const [code = "", key = ""] = one.split(SEPARATOR);
        const said = ` was confirmed to ${redactKey(key)}, and is not redeemed by it on record`;
        findings.violation("not on record", nameOf(facts, code), said);
      }
      if (told.size === 0) findings.notJudged("the callers' records hold no confirmation");
      return findings.verdict(told.size, `${counted(told.size, "acknowledged confirmation")}`);
    },
  };
}

/** R3: each confirmation had a live reservation, or was made in one step; neither began while it was void. */
export function checkReserved(facts: Facts, findings: Findings): Check {
  let judged = 0;
  return {
    redemption(record) {
      if (record.misfit !== undefined) return;
      const name = nameOf(facts, record.code);
      for (const use of record.uses) {
        judged += 1;
        const wrong = wrongOf(use, record);
        if (wrong !== undefined) findings.violation(wrong, name, `: ${redactKey(use.key)} ${wrong}`);
      }
    },
    verdict: () =>
      findings.verdict(
        judged,
        `${counted(judged, "redemption or reservation", "redemptions and reservations")}`,
      ),
  };
}

function wrongOf(use: RecordedUse, { voids, readAtMs }: RedemptionRecord): string | undefined {
  const { state, reservedAtMs, untilMs, endedAtMs } = use;
  const begin = beginOf(use);
  if ((begin ?? 0) > readAtMs) return "has it from a time that has not come";
  if (state !== "reserved" && (endedAtMs ?? 0) > readAtMs) return "ended at a time that has not come";
  if (begin !== undefined && isVoidAt(begin, voids)) return "began while the code was void";
  if (state !== "confirmed") return undefined;
  if (endedAtMs === undefined) return "is confirmed at no time";
  if (reservedAtMs === undefined)
    return untilMs === undefined ? undefined : "is confirmed without a reservation";
  if (untilMs === undefined || endedAtMs >= untilMs)
    return "is confirmed after its reservation had timed out";
  return endedAtMs < reservedAtMs ? "is confirmed before it was reserved" : undefined;
}

/** Between two changes of one millisecond nothing can be told. */
function isVoidAt(atMs: number, voids: RedemptionRecord["voids"]): boolean {
  const before = voids.filter((change) => change.atMs < atMs);
  const sameTime = voids.some((change) => change.atMs === atMs);
  return !sameTime && before.at(-1)?.voided === true;
}

/** R4: no confirmation before or after the validity of the coupon. */
export function checkWithinValidity(facts: Facts, findings: Findings): Check {
  const { fromMs, untilMs, days } = facts.campaign.redemption ?? ONCE;
  let redeemed = 0;
  return {
    redemption(record) {
      const { code, issuedAtMs, misfit } = record;
      const confirmed = confirmedOf(record);
      redeemed += confirmed.length;
      if (misfit !== undefined || confirmed.length === 0) return;
      const name = nameOf(facts, code);
      if (issuedAtMs === undefined)
        return findings.violation("never issued", name, " is redeemed, and was not issued");
      const ends = [untilMs, days === undefined ? undefined : issuedAtMs + days * DAY_MS];
      for (const { endedAtMs = Number.NaN } of confirmed) {
        if (endedAtMs < Math.max(issuedAtMs, fromMs ?? issuedAtMs))
          findings.violation("too early", name, " was redeemed before its validity");
        else if (ends.some((end) => end !== undefined && !(endedAtMs < end)))
          findings.violation("too late", name, " was redeemed after its validity");
      }
    },
    verdict: () => findings.verdict(redeemed, `${counted(redeemed, "redemption")}`),
  };
}
