import { counted, grouped } from "../runtime/counting.ts";
import { exitCodes } from "./exit-code.ts";
import type { HistoryReport } from "./history-check.ts";
import { UserError } from "./user-error.ts";

/** One or two unknown codes may be lost coupons, even where the file has no other codes. */
const fewestCodes = 3;
/** In a file of this campaign more than one code in a hundred is issued, however many were lost. */
const knownShareMax = 0.01;

/**
 * Whether a file of callers' records is of another campaign: it has three or more different codes, and at
 * most one in a hundred of them is issued in this one. The origin of a file without any issued entry is
 * unknown, so it is judged.
 */
export function isOfAnother({ all, issued }: HistoryReport["codes"]): boolean {
  return all >= fewestCodes && issued <= all * knownShareMax;
}

/** The error for a file of another campaign, whose checks would report violations wrongly. */
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
