/** One entry of a campaign's history, as far as the checks need it. */
export type Change = {
  readonly revision: number;
  readonly atMs: number;
  /** As in `open`, `sell-out`; absent: not known. */
  readonly verb?: string;
  /** Undefined: the campaign was created. */
  readonly before: ChangedSettings | undefined;
  readonly after: ChangedSettings;
};

/** The earlier totals of a campaign, ascending, and the last move of its start. */
export type Past = {
  readonly growth?: readonly { readonly from: number; readonly atMs: number }[];
  readonly startMovedAtMs?: number;
};

export type ChangedSettings = { readonly total: number; readonly startsAtMs: number };

/**
 * The earlier totals of a campaign and the last move of its start. The changes may be in any order, and one
 * that was read twice counts once.
 */
export function pastOf(changes: Iterable<Change>): Past {
  const byRevision = new Map([...changes].map((change) => [change.revision, change]));
  const growth: { from: number; atMs: number }[] = [];
  let startMovedAtMs: number | undefined;
  for (const { atMs, before, after } of [...byRevision.values()].sort((a, b) => a.revision - b.revision)) {
    if (before === undefined) continue;
    if (before.total !== after.total) growth.push({ from: before.total, atMs });
    if (before.startsAtMs !== after.startsAtMs) startMovedAtMs = atMs;
  }
  return {
    ...(growth.length === 0 ? {} : { growth }),
    ...(startMovedAtMs === undefined ? {} : { startMovedAtMs }),
  };
}
