import { demandShape, ISSUED_CODE, issuanceNamed } from "../../audit/stores/document-shape.ts";
import { CLAIMS_UNDER_WAY } from "../../campaign/refusal.ts";
import type { Settled, SettledNow } from "../../campaign/settled-issues.ts";
import type { Issuances } from "../../record/issuances.ts";
import type { IssuePosition } from "../../record/issue-ranges.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { throwIfGone } from "./caller-gone.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import type { ReadingPace } from "./reading-pace.ts";
import { toConnectError } from "./rpc-status.ts";
import { settledPage } from "./settled-page.ts";
import { pageToken } from "./validation.ts";

/** How many codes are read at once: callers wait while the server decodes them. */
const CODES_READ = { idle: 5_000, busy: 250 } as const;
/** The most listings of codes under way in a process; they wait for each other. */
const LISTINGS_MAX = 64;

/**
 * How long a listing waits for claims under way, where a page of it would end behind one of them, in ms; and
 * how often it looks.
 */
const PENDING_WAIT_MS = 2_000;
const PENDING_LOOK_MS = 20;

/**
 * Issued codes in issue order, at most `limit`, and where to go on if there are more. The last page has every
 * code that is durable. A page with a token ends before the first claim that may not be durable yet, so that
 * no code ever appears before the token.
 */
export type ListCodes = (
  campaignId: string,
  from: IssuePosition | undefined,
  limit: number,
  signal: AbortSignal,
) => Promise<{ issuedCodes: string[]; nextPageToken: string }>;

export type ListCodesDeps = {
  readonly issuances: Pick<Issuances, "codesInOrder">;
  readonly settledNow: SettledNow;
  readonly pace: ReadingPace;
  readonly clock: Clock;
};

export function createListCodes({ issuances, settledNow, pace, clock }: ListCodesDeps): ListCodes {
  const listings = createConcurrencyLimit(LISTINGS_MAX, "listings of codes are under way", clock);

  /**
   * Appends the codes after a place to `codes`, in steps, so that a long list is not in memory twice, and
   * claims are served in between. With `settledOnly` it stops at what is not settled. `isAll`: there are no
   * more.
   */
  async function readOn(
    codes: string[],
    { campaignId, after, limit, settledOnly, signal }: Reading,
  ): Promise<{ after: IssuePosition | undefined; isAll: boolean }> {
    let last = after;
    for (;;) {
      // One more than the limit tells whether there are more.
      const most = Math.max(1, limit - codes.length);
      const size = { idle: Math.min(most, CODES_READ.idle), busy: Math.min(most, CODES_READ.busy) };
      const read = async (count: number) => {
        const settled: Settled = settledOnly ? await settledNow(campaignId) : { kind: "all" };
        return settledPage(settled, count, (below) => issuances.codesInOrder(campaignId, last, count, below));
      };
      const { page, isLast } = await pace.page(size, read, signal);
      if (codes.length === limit) return { after: last, isAll: page.length === 0 };
      for (const issued of page) {
        demandShape(issued, ISSUED_CODE, issuanceNamed(issued._id));
        codes.push(issued._id);
      }
      last = page.at(-1) ?? last;
      if (isLast) return { after: last, isAll: true };
    }
  }

  return async (campaignId, from, limit, signal) => {
    const leave = listings.take();
    const giveUpAtMs = clock.elapsed() + PENDING_WAIT_MS;
    try {
      for (;;) {
        const issuedCodes: string[] = [];
        const settled = await readOn(issuedCodes, {
          campaignId,
          after: from,
          limit,
          settledOnly: true,
          signal,
        });
        const isFull = issuedCodes.length === limit;
        if (isFull && !settled.isAll)
          return { issuedCodes, nextPageToken: settled.after === undefined ? "" : pageToken(settled.after) };
        // The rest may have gaps that are filled later. Where it fits, this is the last page.
        const certain = issuedCodes.length;
        const rest = { campaignId, after: settled.after, limit, settledOnly: false, signal };
        if ((await readOn(issuedCodes, rest)).isAll) return { issuedCodes, nextPageToken: "" };
        if (certain > 0 && settled.after !== undefined)
          return { issuedCodes: issuedCodes.slice(0, certain), nextPageToken: pageToken(settled.after) };
        if (clock.elapsed() >= giveUpAtMs) throw toConnectError(CLAIMS_UNDER_WAY, clock.now());
        await sleep(clock, PENDING_LOOK_MS);
        throwIfGone(signal);
      }
    } finally {
      leave();
    }
  };
}

type Reading = {
  readonly campaignId: string;
  readonly after: IssuePosition | undefined;
  readonly limit: number;
  readonly settledOnly: boolean;
  readonly signal: AbortSignal;
};
