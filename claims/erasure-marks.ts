import { MARKS_EVERY_MS, MARKS_KNOWN_FOR_MS } from "../campaign/erasure/mark-times.ts";
import { fittingPseudonyms, type Pseudonyms } from "../campaign/erasure/pseudonyms.ts";
import type { Campaigns, ErasedCampaign } from "../record/campaigns.ts";
import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { troubleOnce } from "../runtime/trouble-once.ts";

/**
 * Which campaigns have erased users. Their claims bring the pseudonym of each claim key, and an issuance is
 * inserted only where none stands under the pseudonym. A process learns of a new mark from Redis, from the
 * issuances that it reads, and by asking MongoDB every second. Where it could not ask for longer than
 * `MARKS_KNOWN_FOR_MS`, it takes each campaign for marked: so an erasure that waits that long before it
 * replaces the first id is known to every process that issues coupons.
 */
export type ErasureMarks = {
  /** @throws MissingErasureKey; undefined: no pseudonyms are needed */
  demanded(campaignId: string): Pseudonyms | undefined;
  /** The pseudonym of a claim key, where one may be needed and can be made. Never throws. */
  pseudonymOf(campaignId: string, claimKey: string): string | undefined;
  /** A store said that the campaign has erased users, under the key with this fingerprint. */
  note(campaignId: string, fingerprint: string): void;
  /** Calls back when users of a campaign were erased: what is remembered of it must be dropped. */
  onErased(listener: (campaignId: string) => void): void;
  /** Asks for the marks once, then every second. Rejects where MongoDB does not answer the first time. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

export type ErasureMarksDeps = {
  readonly campaigns: Pick<Campaigns, "erasedSince">;
  readonly pseudonyms: Pseudonyms | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
};

const PAGE = 1_000;
/**
 * Marks of so long before the newest are read again: an update is dated when it begins, so that an earlier
 * one may become visible after a later one.
 */
const AGAIN_MS = 30_000;

export function createErasureMarks(deps: ErasureMarksDeps): ErasureMarks {
  const { campaigns, pseudonyms, clock } = deps;
  const logger = deps.logger.child({ component: "claims" });
  const marked = new Map<string, string>();
  /** By campaign: when its users were erased last, in ms on MongoDB's clock. */
  const erasedAtMs = new Map<string, number>();
  const listeners: ((campaignId: string) => void)[] = [];
  let knownAtMs = clock.elapsed();
  let newestMs = 0;
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  let stopped = false;

  const isKnown = () => clock.elapsed() - knownAtMs < MARKS_KNOWN_FOR_MS;

  async function read(): Promise<void> {
    const askedAtMs = clock.elapsed();
    const since = new Date(Math.max(0, newestMs - AGAIN_MS));
    let after: ErasedCampaign | undefined;
    for (;;) {
      const page = await campaigns.erasedSince(since, after, PAGE);
      for (const campaign of page) learn(campaign);
      after = page.at(-1);
      if (page.length < PAGE) break;
    }
    knownAtMs = askedAtMs;
  }

  function learn({ _id, erasure }: ErasedCampaign): void {
    const atMs = erasure.at.getTime();
    if (erasedAtMs.get(_id) === atMs) return;
    marked.set(_id, erasure.key);
    erasedAtMs.set(_id, atMs);
    newestMs = Math.max(newestMs, atMs);
    for (const listener of listeners) listener(_id);
  }

  const tryRead = troubleOnce(read, {
    failed: (error) =>
      logger.warn({ err: error }, "erasures could not be asked for; every campaign is taken to have some"),
  });

  function next(): void {
    if (stopped) return;
    cancel = clock.after(MARKS_EVERY_MS, () => {
      underWay = tryRead().then(next);
    });
  }

  return {
    demanded(campaignId) {
      const key = marked.get(campaignId);
      if (key !== undefined) return fittingPseudonyms(campaignId, key, pseudonyms);
      return isKnown() ? undefined : pseudonyms;
    },
    pseudonymOf(campaignId, claimKey) {
      if (pseudonyms === undefined) return undefined;
      return marked.has(campaignId) || !isKnown() ? pseudonyms.ofClaimKey(campaignId, claimKey) : undefined;
    },
    note: (campaignId, fingerprint) => void marked.set(campaignId, fingerprint),
    onErased: (listener) => void listeners.push(listener),
    async start() {
      await read();
      next();
    },
    async stop() {
      stopped = true;
      cancel();
      await underWay;
    },
  };
}
