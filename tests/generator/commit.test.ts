import { expect } from "chai";
import type { Lease } from "../../campaign/lease.ts";
import { loadPool } from "../../campaign/load.ts";
import { commitCodes } from "../../generator/commit.ts";
import { codeHashOf, codeSaltOf } from "../../proof/leaves.ts";
import { CHUNK_LEAVES, rootOf } from "../../proof/merkle.ts";
import { bufferOf, type Commitments } from "../../record/commitments.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { systemClock } from "../../runtime/clock.ts";
import { madeCampaign, type Records, recordsOf } from "../support/made-campaign.ts";
import { withStores } from "../support/with-stores.ts";

const TOTAL = 2 * CHUNK_LEAVES + 100;

describe("commitment to codes", () => {
  const stores = withStores("each");
  let records: Records;
  beforeEach(() => {
    records = recordsOf(stores.db);
  });

  const leaseOf = (campaign: CampaignDoc): Lease => ({
    campaign,
    keep: () => Promise.resolve(),
    drop: () => Promise.resolve(),
  });
  const made = (given: Partial<CampaignDoc> = {}) =>
    madeCampaign(records, { total: TOTAL, state: "GENERATING", committed: 0, ...given });
  const again = async ({ _id }: CampaignDoc) => {
    const found = await records.campaigns.find(_id);
    if (found === null) throw new Error(`campaign ${_id} is gone`);
    return found;
  };
  async function expectedRoot({ _id }: CampaignDoc, codes: readonly string[]): Promise<string> {
    const seed = await records.commitments.seed(_id);
    return rootOf(codes.map((code) => codeHashOf(codeSaltOf(seed, code), code))).toString("hex");
  }
  const listed = async ({ _id }: CampaignDoc) =>
    (await records.commitments.list(_id)).map(({ first, size, root, at }) => ({
      ...{ first, size, root: bufferOf(root).toString("hex"), isDated: at instanceof Date },
    }));

  it("is the root over the salted codes in their order, one for each addition, and dated", async () => {
    const { campaign, codes } = await made();
    expect(await commitCodes(records, leaseOf(campaign))).to.equal(true);
    const first = { first: 0, size: TOTAL, root: await expectedRoot(campaign, codes), isDated: true };
    expect(await listed(campaign)).to.deep.equal([first]);
    expect(await again(campaign)).to.include({ committed: TOTAL });

    const added = Array.from({ length: 3 }, (_, i) => `나${i}-${campaign._id}`);
    await records.coupons.insert(
      added.map((code, i) => ({ _id: code, campaignId: campaign._id, ordinal: TOTAL + i })),
    );
    const adding = { ...(await again(campaign)), state: "OPEN" as const, adding: { count: 3 } };
    expect(await commitCodes(records, leaseOf(adding))).to.equal(true);
    const second = { first: TOTAL, size: 3, root: await expectedRoot(campaign, added), isDated: true };
    expect(await listed(campaign)).to.deep.equal([first, second]);
    expect(await again(campaign)).to.include({ committed: TOTAL + 3 });
  });

  it("goes on where a killed process stopped: between chunks, after them, after the commitment", async () => {
    const { campaign, codes } = await made();
    const killedAt = async (over: Partial<Commitments>) =>
      commitCodes({ ...records, commitments: { ...records.commitments, ...over } }, leaseOf(campaign)).then(
        () => expect.fail("the process was not killed"),
        (error: Error) => expect(error.message).to.equal("killed"),
      );
    const kill = () => Promise.reject(new Error("killed"));
    expect(await commitCodes(records, leaseOf(campaign), 1)).to.equal(false);
    const [one] = (await records.commitments.chunkRoots(campaign._id, 0)).keys();
    expect(one).to.equal(0);
    const inserted: number[] = [];
    await killedAt({
      async insertChunks(id, first, chunks) {
        inserted.push(...chunks.map(({ number }) => number));
        await records.commitments.insertChunks(id, first, chunks);
        await kill();
      },
    });
    expect(inserted).to.deep.equal([1, 2]);
    await killedAt({ record: kill });
    expect(await again(campaign)).to.include({ committed: 0 });
    await killedAt({
      async record(...args) {
        await records.commitments.record(...args);
        return kill();
      },
    });
    const before = await records.commitments.list(campaign._id);
    expect(await commitCodes(records, leaseOf(campaign))).to.equal(true);
    expect(await records.commitments.list(campaign._id)).to.deep.equal(before);
    expect((await listed(campaign))[0]).to.include({ root: await expectedRoot(campaign, codes) });
  });

  it("is one, whichever of several processes at once makes it", async () => {
    const { campaign, codes } = await made();
    const all = await Promise.all([1, 2, 3].map(() => commitCodes(records, leaseOf(campaign))));
    expect(all).to.deep.equal([true, true, true]);
    expect((await listed(campaign)).map(({ root }) => root)).to.deep.equal([
      await expectedRoot(campaign, codes),
    ]);
  });

  it("comes before the pool: a new campaign is not loaded without, an earlier version's is", async () => {
    const deps = {
      ...{ ...records, pool: stores.pool, clock: systemClock, owner: "loader", leaseMs: 5_000 },
    };
    const { campaign } = await made();
    expect(await loadPool(deps, campaign._id)).to.equal("not-ready");
    await commitCodes(records, leaseOf(campaign));
    expect(await loadPool(deps, campaign._id)).to.equal("loaded");
    const { campaign: scheduled } = await made({ state: "SCHEDULED" });
    expect(await loadPool(deps, scheduled._id)).to.equal("loaded");
    expect(await commitCodes(records, leaseOf({ ...scheduled, adding: { count: 1 } }))).to.equal(true);
    expect(await listed(scheduled)).to.deep.equal([]);
  });

  it("is not made for a rehearsal", async () => {
    const { campaign } = await made();
    expect(await commitCodes(records, leaseOf({ ...campaign, rehearsalOf: campaign._id }))).to.equal(true);
    expect(await listed(campaign)).to.deep.equal([]);
  });
});
