import { randomUUID } from "node:crypto";
import { type Pool, SCRIPT_ITEMS_MAX } from "../../pool/pool.ts";
import type { Campaigns } from "../../record/campaigns.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Erasing, Held } from "../../record/erasing.ts";
import type { Erasures } from "../../record/erasures.ts";
import type { History } from "../../record/history.ts";
import { isPseudonym } from "../../record/pseudonym.ts";
import type { Logger } from "../../runtime/logger.ts";
import { spellingsOf } from "../user-spellings.ts";
import { eraseHeld } from "./erase-held.ts";
import { createErasureTurns, ERASURE_LEASE_MS, type ErasureTurnsDeps } from "./erasure-turns.ts";
import { createPoolErasure, type PoolErasureDeps } from "./pool-erasure.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

export type EraseUsersDeps = Omit<PoolErasureDeps, "erasing" | "pool" | "campaigns"> &
  ErasureTurnsDeps & {
    readonly campaigns: Campaigns;
    readonly pool: Pool;
    readonly erasing: Erasing;
    readonly erasures: Erasures;
    readonly history: Pick<History, "flush">;
    readonly pseudonyms: Pseudonyms;
    readonly logger: Logger;
  };

export type EraseAsk = {
  /** 1 to 1,000, as they claim; each is looked for in NFC too. */
  readonly userIds: readonly string[];
  /** Undefined: in all campaigns, rehearsals left out. */
  readonly campaignId: string | undefined;
  readonly actor: string;
  /** True: issuances are counted, and nothing is changed. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ErasureProgress) => void;
};

export type ErasureProgress = {
  /** `waiting`: until every process heeds the mark, and inserts that began before it have ended. */
  readonly phase: "looking" | "waiting" | "erasing";
  readonly campaigns: number;
  readonly found: number;
  readonly erased: number;
};

/** `pending`: claims of these users that are still under way, and are erased when asked again. */
export type ErasedIn = {
  readonly campaignId: string;
  readonly name: string;
  readonly found: number;
  readonly erased: number;
  readonly pending: number;
};

/** Of a campaign with erased users of another key: neither key recognises the users of the other. */
export class OtherErasureKey extends Error {
  override readonly name = "OtherErasureKey";
}

const CAMPAIGNS_PAGE = 500;
/** Issuances of 1,000 users in one campaign. */
const HELD_MAX = 100_000;
/** How often it looks for coupons that the same users have claimed meanwhile. */
const ROUNDS_MAX = 4;

type Work = {
  campaign: CampaignDoc;
  readonly jobId: string;
  held: Held[];
  found: number;
  erased: number;
  pending: number;
};

/**
 * Replaces the ids of users by pseudonyms. The mark of the campaign comes first, in MongoDB and in the pool:
 * from then on claims bring pseudonyms. Two servers could still give an erased user a second coupon: one that
 * does not know the mark, or one whose insert began before it did. The unique index cannot refuse that. So an
 * erasure waits until both are impossible, and replaces only ids that it had found before it waited.
 */
export function createEraseUsers(deps: EraseUsersDeps) {
  const { campaigns, pool, erasing, erasures, history, pseudonyms, owner } = deps;
  const logger = deps.logger.child({ component: "campaign" });
  const poolErasure = createPoolErasure(deps);
  const parts = { campaigns, erasing, poolErasure };
  const { heed, turnsOf } = createErasureTurns(deps);

  async function* campaignsOf({ campaignId }: EraseAsk): AsyncGenerator<CampaignDoc> {
    if (campaignId !== undefined) {
      const campaign = await campaigns.find(campaignId);
      if (campaign !== null) yield campaign;
      return;
    }
    for (let before = ""; ; ) {
      const page = await campaigns.list(before, CAMPAIGNS_PAGE);
      yield* page;
      before = page.at(-1)?._id ?? "";
      if (page.length < CAMPAIGNS_PAGE) return;
    }
  }

  /** How many claims of these users are not durable yet. */
  async function pendingOf({ _id, onePerUser, state }: CampaignDoc, users: ReadonlySet<string>) {
    if (state === "GENERATING") return 0;
    let pending = 0;
    let after = "-";
    do {
      const page = await pool.ledgerPage(_id, 0, after, SCRIPT_ITEMS_MAX);
      for (const { claimKey, userId } of page.claims)
        if (users.has(onePerUser ? claimKey : userId)) pending += 1;
      after = page.next;
    } while (after !== "");
    return pending;
  }

  /** The ledger is read first: a claim leaves it when its issuance is durable. */
  async function look(campaign: CampaignDoc, users: ReadonlySet<string>) {
    const pending = await pendingOf(campaign, users);
    const heldBy = campaign.onePerUser ? erasing.heldByKeys : erasing.heldByUsers;
    const held = await heldBy(campaign._id, [...users], HELD_MAX);
    return { pending, held: held.filter(({ claimKey }) => !isPseudonym(claimKey)) };
  }

  /** @throws OtherErasureKey */
  async function mark({ _id }: CampaignDoc): Promise<void> {
    if (!(await campaigns.markErased(_id, pseudonyms.fingerprint)))
      throw new OtherErasureKey(`campaign ${_id} has users that were erased with another ERASURE_KEY`);
    await poolErasure.mark(_id, pseudonyms.fingerprint);
  }

  /** Dates the mark again, so that processes drop what they remember; and ends the erasure. */
  async function finish(campaignId: string, jobId: string, erased: number, actor: string): Promise<void> {
    await campaigns.markErased(campaignId, pseudonyms.fingerprint);
    await history.flush(campaignId).catch((error: unknown) => {
      logger.warn(
        { campaign: campaignId, err: error },
        "an entry of the history waits in the campaign's outbox",
      );
    });
    await erasures.done(jobId);
    logger.info({ campaign: campaignId, erased, actor }, "ids of users were erased");
  }

  async function begin(campaign: CampaignDoc, users: ReadonlySet<string>, actor: string) {
    const jobId = randomUUID();
    const { _id: campaignId } = campaign;
    const aliases = [...users].map((user) => pseudonyms.of(campaignId, user));
    await erasures.begin({ _id: jobId, campaignId, actor, users: aliases }, owner, ERASURE_LEASE_MS);
    return jobId;
  }

  async function erase(ask: EraseAsk): Promise<ErasedIn[]> {
    const { actor, dryRun, signal, onProgress } = ask;
    const users = new Set(ask.userIds.flatMap(spellingsOf));
    const works: Work[] = [];
    const tell = (phase: ErasureProgress["phase"]) => {
      const sum = (of: "found" | "erased") => works.reduce((total, work) => total + work[of], 0);
      onProgress({ phase, campaigns: works.length, found: sum("found"), erased: sum("erased") });
    };
    for await (const campaign of campaignsOf(ask)) {
      signal.throwIfAborted();
      tell("looking");
      const { held, pending } = await look(campaign, users);
      if (held.length === 0 && pending === 0) continue;
      if (!dryRun) await mark(campaign);
      const jobId = dryRun ? "" : await begin(campaign, users, actor);
      works.push({ campaign, jobId, held, found: held.length, erased: 0, pending });
    }
    if (!dryRun) await eraseIn(works, users, ask, tell);
    return works.map(({ campaign: { _id, name }, found, erased, pending }) => ({
      ...{ campaignId: _id, name, found, erased, pending },
    }));
  }

  async function eraseIn(
    works: readonly Work[],
    users: ReadonlySet<string>,
    { actor, signal }: EraseAsk,
    tell: (phase: ErasureProgress["phase"]) => void,
  ): Promise<void> {
    let left = [...works];
    for (let round = 1; left.length > 0; round++) {
      const jobIds = left.map(({ jobId }) => jobId);
      tell("waiting");
      const marked = left.map(({ campaign }) => campaign);
      await heed(jobIds, marked, signal);
      for (const work of left) {
        const turn = turnsOf(jobIds, signal, () => tell("erasing"));
        work.erased += await eraseHeld(parts, work.campaign, work.held, { actor, pseudonyms, turn });
        const { held, pending } = await look(work.campaign, users);
        Object.assign(work, { held, pending });
        work.found += held.length;
      }
      const done = left.filter(
        ({ held, pending }) => round === ROUNDS_MAX || (held.length === 0 && pending === 0),
      );
      for (const { campaign, jobId, erased } of done) {
        // The pool was made again meanwhile, perhaps of what had been read before.
        const now = await campaigns.find(campaign._id);
        if (now !== null && now.generation !== campaign.generation)
          await poolErasure.eraseStrays(campaign._id, turnsOf(jobIds, signal));
        await finish(campaign._id, jobId, erased, actor);
      }
      left = left.filter((work) => !done.includes(work));
    }
    tell("erasing");
  }

  return { erase, parts: { mark, heed, turnsOf, finish, poolErasure, eraseParts: parts } };
}
