import type { Inspection, LoadTarget, PoolState, TurnTarget } from "../pool/answers.ts";
import type { Pool } from "../pool/pool.ts";
import { SCRIPT_ITEMS_MAX } from "../pool/pool.ts";
import { isRehearsalId } from "../record/campaign-id.ts";
import type { Campaigns } from "../record/campaigns.ts";
import type { Coupons } from "../record/coupons.ts";
import type { CampaignDoc, RecordedState } from "../record/documents.ts";
import type { Issuances } from "../record/issuances.ts";
import { sleep } from "../runtime/clock.ts";
import { claimOf, issuanceOf } from "./claim-record.ts";
import { type LeaseOptions, takeLease } from "./lease.ts";
import { QUIET_BEFORE_TOP_UP_MS } from "./sold-out-memory.ts";

/**
 * What came of a load: `loaded`; `turned`: the pool was held, and is now what the record says; `healthy`: the
 * pool answers, nothing to do; `busy`: somebody else is at it; `not-ready`: its codes are not all made;
 * `called-off`: nor will they be; `gone`: no such campaign; `again`: it was overtaken by an issuance or a
 * newer Redis.
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
};

/** Documents per read of MongoDB. */
const PAGE = 5_000;

/**
 * Makes the Redis side of a campaign from MongoDB: the first load and every rebuild are this one procedure.
 * Raises the generation under the lease; finishes what an older ledger still holds; loads codes minus
 * issuances, then the issuances themselves; swaps all of it in by one script that checks generation, fence
 * and counts. Killed anywhere, it leaves nothing that a later load does not replace. `onRaised` is called
 * once a generation was used up. A pool that is held for a change of the campaign's life, by somebody who has
 * died since, has all its codes: it is only turned to what the record says.
 */
export async function loadPool(
  deps: LoadDeps,
  campaignId: string,
  onRaised: () => void = () => undefined,
): Promise<LoadOutcome> {
  const { pool, campaigns, clock } = deps;
  // Rejects while the slot of the campaign is on its way to another node of a cluster: before a generation is
  // used up for it.
  if ((await pool.inspect(campaignId)).status === "ok") return "healthy";
  const before = await campaigns.find(campaignId);
  if (before === null) return "gone";
  if (before.generated < before.total) return before.state === "CANCELLED" ? "called-off" : "not-ready";
  const lease = await takeLease(deps, campaignId, "load");
  if (lease === undefined) return "busy";
  onRaised();
  const { campaign } = lease;
  const { generation } = campaign;
  const startedAtMs = clock.elapsed();
  let swapped: "loaded" | "turned" | undefined;
  try {
    // Again, now that nobody else changes it.
    const seen = await pool.inspect(campaignId);
    if (seen.status === "ok") return "healthy";
    if (seen.status === "held") {
      const turned = await pool.turn(turnTargetOf(campaign, seen));
      if (turned !== "turned") return "again";
      swapped = turned;
      return turned;
    }
    await drainLedger(deps, lease);
    const begun = await pool.loadBegin(campaignId, generation);
    if (begun !== "begun") return begun === "healthy" ? "healthy" : "again";
    const anyIssued = (await deps.issuances.inOrder(campaignId, undefined, 1)).length > 0;
    // Codes before issuances: one that becomes durable in between is then counted twice, and the swap refuses
    // the sum.
    if (!(await loadCodes(deps, lease, anyIssued))) return "again";
    if (!(await loadClaims(deps, lease))) return "again";
    // Coupons were added since it was loaded last: a server may still remember that all were gone.
    const { loadedTotal = campaign.total } = campaign;
    if (anyIssued && loadedTotal < campaign.total) await quiet(deps, lease, startedAtMs);
    const committed = await pool.loadCommit(targetOf(campaign, anyIssued));
    if (committed === "loaded") swapped = committed;
    return committed === "loaded" || committed === "healthy" ? committed : "again";
  } finally {
    await lease.drop(swapped);
    // A rehearsal that was removed meanwhile: what was loaded after that goes too.
    if (isRehearsalId(campaignId) && (await campaigns.find(campaignId)) === null)
      await pool.remove(campaignId);
  }
}

/**
 * Until no memory of a pool that has not answered since `sinceMs` (on the clock's `elapsed`) is believed any
 * more.
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
 * Claims that a dead server or a lost Redis left: forward, for the same owner. MongoDB's indexes decide about
 * stale ones.
 */
async function drainLedger({ pool, issuances }: LoadDeps, lease: Held): Promise<void> {
  const campaignId = lease.campaign._id;
  let after = "-";
  do {
    await lease.keep();
    const page = await pool.ledgerPage(campaignId, 0, after, SCRIPT_ITEMS_MAX);
    if (page.claims.length > 0) await issuances.insert(page.claims.map(issuanceOf));
    after = page.next;
  } while (after !== "");
}

/** The next page is read while the one before is pushed. */
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
    // Pushes of one connection arrive in order, and each checks the length it was promised.
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
 * A page that is read ahead: if it cannot be read, that is noticed when it is its turn, unless the load is
 * over by then.
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

/** Where the pool of a campaign is when the record is in this state. */
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
 * Once anything has been issued the campaign has opened, whether or not a scheduler got to write that down.
 */
function targetOf(campaign: CampaignDoc, anyIssued: boolean): LoadTarget {
  const armedAtMs = campaign.openedAt?.getTime() ?? (anyIssued ? campaign.startsAt.getTime() : 0);
  return { ...turnTargetOf(campaign, { state: "", armedAtMs }), total: campaign.total, armedAtMs };
}

/**
 * What the record says that a pool is to be which is or was like this; one that has reached its end does not
 * open again.
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
