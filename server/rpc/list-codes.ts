import { demandShape, ISSUED_CODE, issuanceNamed } from "../../audit/stores/document-shape.ts";
import type { Issuances, IssuedCode, IssuePosition } from "../../record/issuances.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import type { ReadingPace } from "./reading-pace.ts";
import { pageToken } from "./validation.ts";

/** How many codes are read at once: callers wait while the server decodes them. */
const CODES_READ = { idle: 5_000, busy: 250 } as const;
/** The most listings of codes under way in a process; they wait for each other. */
const LISTINGS_MAX = 64;

/** At most `limit` issued codes in issue order, and where to go on if there are more. */
export type ListCodes = (
  campaignId: string,
  from: IssuePosition | undefined,
  limit: number,
  signal: AbortSignal,
) => Promise<{ issuedCodes: string[]; nextPageToken: string }>;

export type ListCodesDeps = {
  readonly issuances: Pick<Issuances, "codesInOrder">;
  readonly pace: ReadingPace;
  readonly clock: Clock;
};

export function createListCodes({ issuances, pace, clock }: ListCodesDeps): ListCodes {
  const listings = createConcurrencyLimit(LISTINGS_MAX, "listings of codes are under way", clock);

  /** The next issued codes, as many as the pace allows now, at most `most`. */
  function codesAfter(
    campaignId: string,
    after: IssuePosition | undefined,
    most: number,
    signal: AbortSignal,
  ): Promise<{ codes: IssuedCode[]; isLast: boolean }> {
    const size = { idle: Math.min(most, CODES_READ.idle), busy: Math.min(most, CODES_READ.busy) };
    const read = async (limit: number) => {
      const codes = await issuances.codesInOrder(campaignId, after, limit);
      return { codes, isLast: codes.length < limit };
    };
    return pace.page(size, read, signal);
  }

  return async (campaignId, from, limit, signal) => {
    const issuedCodes: string[] = [];
    let after = from;
    const leave = listings.take();
    try {
      // Read in steps, so that a long list is not in memory twice, and claims are served in between.
      for (;;) {
        const left = limit - issuedCodes.length;
        const page = await codesAfter(campaignId, after, Math.max(1, left), signal);
        if (left === 0) {
          const isMore = page.codes.length > 0;
          return { issuedCodes, nextPageToken: isMore && after !== undefined ? pageToken(after) : "" };
        }
        for (const issued of page.codes) {
          demandShape(issued, ISSUED_CODE, issuanceNamed(issued._id));
          issuedCodes.push(issued._id);
        }
        after = page.codes.at(-1) ?? after;
        if (page.isLast) return { issuedCodes, nextPageToken: "" };
      }
    } finally {
      leave();
    }
  };
}
