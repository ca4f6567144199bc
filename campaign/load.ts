import type { Inspection, LoadTarget, PoolState, TurnTarget } from "../pool/answers.ts";
import type { Pool } from "../pool/pool.ts";
import { SCRIPT_ITEMS_MAX } from "../pool/pool.ts";
import { isRehearsalId } from "../record/campaign-id.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import type { CampaignDoc, RecordedState } from "../record/documents.ts";
import type { Issuances } from "../record/issuances.ts";
import { sleep } from "../runtime/clock.ts";
import { SHAPE_FIRST } from "../runtime/stored-shape.ts";
import { claimOf, issuanceOf } from "./claim-record.ts";
import { demandedPseudonyms, type Pseudonyms } from "./erasure/pseudonyms.ts";
import { lacksCommitment } from "./lacks-commitment.ts";
import { type LeaseOptions, takeLease } from "./lease.ts";
import { QUIET_BEFORE_TOP_UP_MS } from "./sold-out-memory.ts";

/**
 * The outcome of a load. `loaded`; `turned`: a frozen pool now has the state in MongoDB; `healthy`: the
 * pool answers, nothing to do; `busy`: another process has the lease; `not-ready`: not all codes are
 * made; `called-off`: the campaign was cancelled before they were; `gone`: no such campaign; `again`: an
 * issuance, a newer load or change, or another Redis came in between; try again.
 */
export type LoadOutcome =
  | "loaded"
  | "turned"
  | "healthy"
  | "busy"
  | "not-ready"
  | "called-off"
  | "gone"
  | "again";

export type LoadDeps = LeaseOptions & {
  pool: Pool;
  campaigns: Campaigns;
  coupons: Coupons;
  issuances: Issuances;
  /** Of this process' erasure key; undefined: it has none. */
  pseudonyms?: Pseudonyms | undefined;
};

/** Documents per read of MongoDB. */
const PAGE = 5_000;

/**
 * Makes the pool of a campaign from MongoDB: the first load and every rebuild are this one procedure. It
 * raises the generation under the lease; inserts the issuances of claims that an old ledger still holds;
 * loads codes minus issuances, then the issuances themselves; swaps all of it in by one script that checks
 * generation, fence and counts. If it is killed at any point, a later load replaces all that it left.
 * `onRaised` is called after the generation was raised. A pool that a crashed server left held for a change
 * still has all its codes: only its state is set to the one in MongoDB.
 */
export async function loadPool(
  deps: LoadDeps,
  campaignId: string,
  onRaised: () => void = () => undefined,
): Promise<LoadOutcome> {
  const { pool, campaigns, clock } = deps;
  // Rejects while a Redis Cluster moves the slot of the campaign to another node, before a generation is used
  // up.
  if ((await pool.inspect(campaignId)).status === "ok") return "healthy";
  const before = await campaigns.find(campaignId);
  if (before === null) return "gone";
  if (before.generated < before.total || lacksCommitment(before))
    return before.state === "CANCELLED" ? "called-off" : "not-ready";
  const lease = await takeLease(deps, campaignId, "load");
  if (lease === undefined) return "busy";
  onRaised();
  const { campaign } = lease;
  const { generation } = campaign;
  const startedAtMs = clock.elapsed();
  let swapped: "loaded" | "turned" | undefined;
  try {
    // Read again: under the lease, no other process changes the pool.
    const seen = await pool.inspect(campaignId);
    if (seen.status === "ok") return "healthy";
    if (seen.status === "frozen") {
      const turned = await pool.turn(turnTargetOf(campaign, seen));
      if (turned !== "turned") return "again";
      swapped = turned;
      return turned;
    }
    await drainLedger(deps, lease);
    const begun = await pool.loadBegin(campaignId, generation);
    if (begun !== "begun") return begun === "healthy" ? "healthy" : "again";
    const anyIssued = (await deps.issuances.inOrder(campaignId, undefined, 1)).length > 0;
    // Codes are read before issuances. A code whose issuance becomes durable in between is counted twice, and
    // the swap refuses the sum.
    if (!(await loadCodes(deps, lease, anyIssued))) return "again";
    if (!(await loadClaims(deps, lease))) return "again";
    // Coupons were added since the last load: a server may still answer "sold out" from its memory.
    const { loadedTotal = campaign.total } = campaign;
    if (anyIssued && loadedTotal < campaign.total) await quiet(deps, lease, startedAtMs);
    const committed = await pool.loadCommit(targetOf(campaign, anyIssued));
    if (committed === "loaded") swapped = committed;
    return committed === "loaded" || committed === "healthy" ? committed : "again";
  } finally {
    await lease.drop(swapped);
    // The rehearsal was removed during the load: the keys that were loaded since are removed too.
    if (isRehearsalId(campaignId) && (await campaigns.find(campaignId)) === null)
      await pool.remove(campaignId);
  }
}

/**
 * Waits until no server answers "sold out" from memory any more. The pool has not confirmed it since
 * `sinceMs` (on the clock's `elapsed`).
 */
async function quiet({ clock }: LoadDeps, lease: Held, sinceMs: number): Promise<void> {
  for (
    let left = QUIET_BEFORE_TOP_UP_MS;
    left > 0;
    left = QUIET_BEFORE_TOP_UP_MS - (clock.elapsed() - sinceMs)
  ) {
    await lease.keep();
    await sleep(clock, Math.min(left, QUIET_BEFORE_TOP_UP_MS / 4));
  }
}

type Held = { campaign: CampaignDoc; keep(): Promise<void> };

/**
 * Inserts the issuances of claims that a crashed server or a lost Redis left in the ledger, for the same
 * claim keys. MongoDB's unique indexes refuse stale ones.
 */
async function drainLedger({ pool, issuances, pseudonyms }: LoadDeps, lease: Held): Promise<void> {
  const campaignId = lease.campaign._id;
  const demanded = demandedPseudonyms(lease.campaign, pseudonyms);
  let after = "-";
  do {
    await lease.keep();
    const page = await pool.ledgerPage(campaignId, 0, after, SCRIPT_ITEMS_MAX);
    const docs = page.claims.map(issuanceOf);
    const erased = demanded && docs.map((doc) => demanded.inPlaceOf(campaignId, doc));
    if (docs.length > 0) await issuances.insert(docs, undefined, erased);
    after = page.next;
  } while (after !== "");
}

/** Reads the next page while the one before is pushed. False: this load is over (see load-codes.lua). */
async function loadCodes(
  { pool, coupons, issuances }: LoadDeps,
  lease: Held,
  anyIssued: boolean,
): Promise<boolean> {
  const { _id: campaignId, generation, total } = lease.campaign;

  async function freeCodes(first: number): Promise<string[]> {
    if (first >= total) return [];
    const made = await coupons.codes(campaignId, first, Math.min(total, first + PAGE));
    if (!anyIssued) return made;
    const issued = await issuances.issuedAmong(made);
    return made.filter((code) => !issued.has(code));
  }

  let length = 0;
  let page = ahead(freeCodes(0));
  for (let first = 0; first < total; first += PAGE) {
    await lease.keep();
    const free = await page;
    page = ahead(freeCodes(first + PAGE));
    // Pushes over one connection arrive in order, and each checks the length that it expects.
    const pushed = parts(free).map((part) => {
      const offset = length;
      length += part.length;
      return pool.loadCodes(campaignId, generation, offset, part);
    });
    if ((await Promise.all(pushed)).includes(-1)) return false;
  }
  return true;
}

async function loadClaims({ pool, issuances }: LoadDeps, lease: Held): Promise<boolean> {
  const { _id: campaignId, generation } = lease.campaign;
  let page = await issuances.inOrder(campaignId, undefined, PAGE);
  while (page.length > 0) {
    await lease.keep();
    const bound = parts(page).map((part) => pool.loadClaims(campaignId, generation, part.map(claimOf)));
    const next = page.length < PAGE ? [] : ahead(issuances.inOrder(campaignId, page.at(-1), PAGE));
    const [counts, following] = await Promise.all([Promise.all(bound), next]);
    if (counts.includes(-1)) return false;
    page = following;
  }
  return true;
}

/**
 * A page that is read ahead. A failed read rejects when the load comes to that page; if the load has ended
 * before, the failure is ignored.
 */
function ahead<T>(page: Promise<T>): Promise<T> {
  page.catch(() => undefined);
  return page;
}

function parts<T>(items: readonly T[]): (readonly T[])[] {
  const count = Math.ceil(items.length / SCRIPT_ITEMS_MAX);
  return Array.from({ length: count }, (_, i) =>
    items.slice(i * SCRIPT_ITEMS_MAX, (i + 1) * SCRIPT_ITEMS_MAX),
  );
}

/** The state of the pool that belongs to a recorded state. */
export function poolStateOf(state: RecordedState, opened: boolean): PoolState {
  switch (state) {
    case "PAUSED":
      return "paused";
    case "ENDED":
      return "ended";
    case "CANCELLED":
      return "cancelled";
    case "GENERATING":
    case "SCHEDULED":
    case "OPEN":
    case "SOLD_OUT":
      return opened ? "open" : "staged";
    default:
      return state satisfies never;
  }
}

/**
 * The pool to load. If any coupon was issued, the campaign has opened, even if no scheduler has recorded the
 * opening.
 */
function targetOf(campaign: CampaignDoc, anyIssued: boolean): LoadTarget {
  const armedAtMs = campaign.openedAt?.getTime() ?? (anyIssued ? campaign.startsAt.getTime() : 0);
  const { total, shape = SHAPE_FIRST } = campaign;
  const erased = campaign.erasure?.key;
  return { ...turnTargetOf(campaign, { state: "", armedAtMs }), total, armedAtMs, shape, erased };
}

/**
 * What a pool, now in this state, must become by the document in MongoDB. A pool that has ended does not open
 * again.
 */
export function turnTargetOf(
  campaign: CampaignDoc,
  { state, armedAtMs }: Pick<Inspection, "state" | "armedAtMs">,
): TurnTarget {
  const wanted = poolStateOf(campaign.state, armedAtMs > 0);
  return {
    campaignId: campaign._id,
    generation: campaign.generation,
    state: state === "ended" && wanted !== "cancelled" ? state : wanted,
    startsAtMs: campaign.startsAt.getTime(),
    endsAtMs: campaign.endsAt?.getTime() ?? 0,
  };
}
