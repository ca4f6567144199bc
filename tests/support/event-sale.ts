import { issuanceOf } from "../../campaign/claim-record.ts";
import { newCampaignDoc } from "../../campaign/new-campaign.ts";
import type { Claim } from "../../pool/answers.ts";
import { campaignKeys } from "../../pool/keys.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { CampaignDoc, HistoryVerb, RecordedState } from "../../record/documents.ts";
import { claimAll, claimIn, HOUR_MS } from "./loaded-pool.ts";
import { recordsOf } from "./made-campaign.ts";
import type { RawRedis } from "./raw-redis.ts";
import type { TestStores } from "./shared-stores.ts";

/** A sale that a test makes step by step, each by the code of the product that makes it. */
export type EventSale = {
  readonly campaignId: string;
  readonly codes: readonly string[];
  /** Loads the pool anew, as after a loss of Redis, with these codes and claims. */
  load(generation: number, codes: readonly string[], held?: readonly Claim[]): Promise<void>;
  step(verb: HistoryVerb, from: RecordedState, to: RecordedState): Promise<void>;
  /** The next claims, in Redis alone. */
  claim(count: number): Promise<Claim[]>;
  /** They become durable, and the pool is told so. */
  finish(claims: readonly Claim[]): Promise<void>;
  campaign(): Promise<CampaignDoc>;
};

type Stores = Pick<TestStores, "db" | "pool">;

export async function createSale({ db, pool }: Stores, raw: RawRedis, total = 10): Promise<EventSale> {
  const records = recordsOf(db);
  const campaignId = newCampaignId(Date.now());
  const startsAtMs = Date.now() - HOUR_MS;
  const wanted = {
    name: "launch",
    total,
    startsAtMs,
    endsAtMs: undefined,
    actor: "ada",
    requestId: undefined,
  };
  const format = {
    codeFormat: "가가가가가가0000",
    claimAuth: undefined,
    onePerUser: true,
    maxPerUser: undefined,
    seriesId: undefined,
  };
  await records.campaigns.create(newCampaignDoc(campaignId, { ...wanted, ...format }, Date.now()));
  let users = 0;
  return {
    campaignId,
    codes: Array.from({ length: total }, (_, i) => `${campaignId}/${i}`),
    async load(generation, codes, held = []) {
      await raw.del(campaignKeys(campaignId).meta);
      await pool.loadBegin(campaignId, generation);
      for (let i = 0; i < codes.length; i += 1_000)
        await pool.loadCodes(campaignId, generation, i, codes.slice(i, i + 1_000));
      if (held.length > 0) await pool.loadClaims(campaignId, generation, held);
      const target = { campaignId, generation, state: "open", endsAtMs: 0 } as const;
      const count = codes.length + held.length;
      await pool.loadCommit({ ...target, startsAtMs, armedAtMs: startsAtMs, total: count, shape: 1 });
      await db
        .collection<CampaignDoc>("campaigns")
        .updateOne({ _id: campaignId }, { $set: { generation, loadedGeneration: generation } });
    },
    async step(verb, from, to) {
      await records.campaigns.advance(campaignId, [from], to, { by: "scheduler", verb });
    },
    async claim(count) {
      const keys = Array.from({ length: count }, () => `user-${++users}`);
      return (await claimAll(pool, campaignId, Date.now(), ...keys)).map(claimIn);
    },
    async finish(claims) {
      await records.issuances.insert(claims.map(issuanceOf));
      for (const { generation, seq } of claims) await pool.settle(campaignId, generation, [seq]);
    },
    async campaign() {
      const campaign = await records.campaigns.find(campaignId);
      if (campaign === null) throw new Error("the campaign is gone");
      return campaign;
    },
  };
}

/** A sale whose campaign is open. */
export async function openedSale(stores: Stores, raw: RawRedis, total?: number): Promise<EventSale> {
  const sale = await createSale(stores, raw, total);
  await sale.load(1, sale.codes);
  await sale.step("schedule", "GENERATING", "SCHEDULED");
  await sale.step("open", "SCHEDULED", "OPEN");
  return sale;
}
