import type { Settled } from "../../campaign/settled-issues.ts";
import type { IssuePosition } from "../../record/issue-ranges.ts";

/**
 * Reads the next issued coupons, at most `most`, of what is settled; none where that is not known. `settled`
 * was read before: what is settled then is in MongoDB.
 */
export async function settledPage<T>(
  settled: Settled,
  most: number,
  read: (below: IssuePosition | undefined) => Promise<T[]>,
): Promise<{ readonly page: T[]; readonly isLast: boolean }> {
  if (settled.kind === "unknown") return { page: [], isLast: true };
  const page = await read(settled.kind === "below" ? settled.place : undefined);
  return { page, isLast: page.length < most };
}
