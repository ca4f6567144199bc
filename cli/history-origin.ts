import { counted, grouped } from "../runtime/counting.ts";
import { exitCodes } from "./exit-code.ts";
import type { HistoryReport } from "./history-check.ts";
import { UserError } from "./user-error.ts";

/** One or two codes that nobody knows are what a lost coupon looks like, even where the file has no other. */
const fewestCodes = 3;
/** Of a file of this campaign more than every hundredth code is known, whatever was lost. */
const knownShareMax = 0.01;

/**
 * Whether a file of callers' records is of another campaign: it tells three or more different codes, and at
 * most every hundredth of them is issued in this one. A file without any issued entry tells nothing of where
 * it is from, and is judged.
 */
export function isOfAnother({ all, issued }: HistoryReport["codes"]): boolean {
  return all >= fewestCodes && issued <= all * knownShareMax;
}

/** Each guarantee would be told as violated; nothing of it would be true of the campaign. */
export function ofAnother(campaignId: string, { all, issued }: HistoryReport["codes"]): UserError {
  const which = issued === 0 ? "none" : `only ${grouped(issued)}`;
  return new UserError(
    `--history: ${which} of ${all === 1 ? "this" : "these"} ${counted(all, "code")} ${issued === 1 ? "is" : "are"} of campaign ${campaignId}: is this file of another campaign?`,
    {
      exitCode: exitCodes.usage,
      hint: "if it is of this one for certain, its coupons are gone from the record: see to MongoDB",
    },
  );
}
