import type { Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { createRestore, type Restore } from "../../campaign/restore.ts";
import { type Claimer, type ClaimerDeps, createClaimer } from "../../claims/claimer.ts";
import type { Issue } from "../../claims/issue.ts";
import type { StoreBreakers, StoreBreakersDeps } from "../../claims/store-breakers.ts";
import type { Pool } from "../../pool/pool.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { createIssuances, type Issuances } from "../../record/issuances.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import { type ShiftedClock, shiftedClock } from "./fake-clock.ts";
import { madeCampaign, recordsOf } from "./made-campaign.ts";
import { NO_ERASURES } from "./no-erasures.ts";
import { silentLogger, type TestStores } from "./shared-stores.ts";
import { testBreakers } from "./test-breakers.ts";

/** One campaign on real stores with a claimer, as in a server process. */
export type Sale = {
  readonly campaign: CampaignDoc;
  readonly codes: readonly string[];
  readonly claimer: Claimer;
  readonly breakers: StoreBreakers;
  readonly restore: Restore;
  readonly clock: ShiftedClock;
  readonly metrics: Metrics;
  issue(claimKey: string, given?: { userId?: string; signal?: AbortSignal }): Promise<Issue>;
  /** How often an alarm of this kind was raised. */
  alarms(kind: string): Promise<number>;
};

export type SaleOptions = Partial<CampaignDoc> & {
  /** Settings of the claimer that differ from the usual ones. */
  readonly deps?: Partial<ClaimerDeps>;
  /** Settings of its breakers that differ from the usual ones. */
  readonly breakers?: Partial<StoreBreakersDeps>;
  readonly pool?: (real: Pool) => Pool;
  readonly issuances?: (real: Issuances) => Issuances;
  /** Of the process' erasure key. */
  readonly pseudonyms?: Pseudonyms;
  /** False: the pool is not loaded; the first claim that needs it loads it. */
  readonly load?: boolean;
};

export async function openSale(stores: TestStores, options: SaleOptions = {}): Promise<Sale> {
  const {
    deps = {},
    pool: aroundPool,
    issuances: aroundIssuances,
    load = true,
    pseudonyms,
    breakers: _,
    ...given
  } = options;
  const records = recordsOf(stores.db);
  const { campaign, codes } = await madeCampaign(records, { total: 10, ...given });
  const clock = shiftedClock();
  const metrics = createMetrics();
  const common = {
    ...records,
    clock,
    metrics,
    logger: silentLogger,
    owner: "test",
    leaseMs: 10_000,
    pseudonyms,
  };
  // Rebuilds use the stores directly: only the claimer gets the wrapped calls.
  const restore = createRestore({ ...common, pool: stores.pool });
  if (load) await restore(campaign._id);
  const breakers = testBreakers(clock, options.breakers);
  const claimer = createClaimer({
    ...common,
    restore,
    pool: aroundPool?.(stores.pool) ?? stores.pool,
    issuances: aroundIssuances?.(createIssuances(stores.db)) ?? records.issuances,
    claimBatchMax: 256,
    queueMax: 20_000,
    waitTargetMs: 100,
    heldMax: 20_000,
    commitsInFlightMax: 4,
    commitDeadlineMs: 10_000,
    breakers,
    marks: NO_ERASURES,
    issueDeadlineMs: 15_000,
    ...deps,
  });
  const facts = {
    onePerUser: campaign.onePerUser,
    leastGeneration: 0,
    maxPerUser: campaign.maxPerUser ?? 1,
  };
  return {
    campaign,
    codes,
    claimer,
    breakers,
    restore,
    clock,
    metrics,
    issue: async (claimKey, { userId = "", signal = new AbortController().signal } = {}) =>
      claimer.issue({ campaignId: campaign._id, facts, claimKey, userId, caller: signal }),
    async alarms(kind) {
      const { values } = await metrics.alarms.get();
      return values.find(({ labels }) => labels.kind === kind)?.value ?? 0;
    },
  };
}

/** The issued answer; throws on a refusal. */
export function issuedBy(issue: Issue): Extract<Issue, { kind: "issued" }> {
  if (issue.kind === "issued") return issue;
  throw new Error(`refused: ${JSON.stringify(issue.refusal)}`);
}

/** The reason of a refusal, or `issued`. */
export function reasonOf(issue: Issue): string {
  return issue.kind === "issued" ? "issued" : issue.refusal.reason;
}

/** A gate that the test opens: calls wait at it. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}
