import { expect } from "chai";
import type { Filter, UpdateFilter } from "mongodb";
import type { RedemptionDoc } from "../../../record/redemption-documents.ts";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { couponVerify } from "../../support/coupon-verify.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

const MINUTE_MS = 60_000;

/** Damage of one code's document: which, and what becomes of it. */
type Damage = {
  readonly fails: string;
  readonly what: string;
  readonly plant: (doc: RedemptionDoc) => void;
};

const use = (doc: RedemptionDoc) => {
  const [first] = doc.uses;
  if (first === undefined) throw new Error("nothing was redeemed");
  return first;
};
const later = (at: Date | undefined, ms: number) => new Date((at?.getTime() ?? 0) + ms);

const DAMAGES: readonly Damage[] = [
  {
    fails: "R1",
    what: "a second key has confirmed the code",
    plant: (doc) => doc.uses.push({ ...use(doc), key: "other" }),
  },
  {
    fails: "R1",
    what: "another key reserved it while it was redeemed",
    plant: (doc) => {
      const reservedAt = use(doc).endedAt ?? new Date(0);
      doc.uses.push({
        key: "other",
        state: "reserved",
        by: "x",
        reservedAt,
        until: later(reservedAt, 9_000),
      });
    },
  },
  {
    fails: "R1",
    what: "one key has two redemptions",
    plant: (doc) => doc.uses.push({ ...use(doc), state: "cancelled" }),
  },
  {
    fails: "R1",
    what: "a field has another type",
    plant: (doc) => Object.assign(use(doc), { endedAt: "yesterday" }),
  },
  {
    fails: "R3",
    what: "confirmed as its reservation timed out",
    plant: (doc) => Object.assign(use(doc), { until: use(doc).endedAt }),
  },
  {
    fails: "R3",
    what: "confirmed before it was reserved",
    plant: (doc) => Object.assign(use(doc), { reservedAt: later(use(doc).endedAt, 1) }),
  },
  {
    fails: "R3",
    what: "the code was void when it was reserved",
    plant: (doc) => doc.voidChanges.push({ at: later(use(doc).reservedAt, -1), actor: "kim", voided: true }),
  },
  {
    fails: "R3",
    what: "reserved at a time that has not come",
    plant: (doc) =>
      doc.uses.splice(0, 1, {
        ...{ key: "a", state: "reserved", by: "x" },
        ...{ reservedAt: later(new Date(), 5 * MINUTE_MS), until: later(new Date(), 6 * MINUTE_MS) },
      }),
  },
  {
    fails: "R4",
    what: "redeemed before it was issued",
    plant: (doc) => doc.uses.splice(0, 1, { key: "a", state: "confirmed", by: "x", endedAt: new Date(0) }),
  },
  {
    fails: "R4",
    what: "redeemed after its validity",
    plant: (doc) => {
      const endedAt = later(new Date(), -1_000);
      doc.uses.splice(0, 1, { key: "a", state: "confirmed", by: "x", endedAt });
    },
  },
];

describe("coupon verify finds planted damage of redemptions, on real stores", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let campaignId: string;
  let code: string;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
    campaignId = await createOpenCampaign(clients, { total: 3 });
    for (const [name, isRedeemed] of [
      ["a", true],
      ["b", false],
    ] as const) {
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${name}` });
      if (!isRedeemed) continue;
      code = coupon?.code ?? "";
      await clients.redemptions.reserveCoupon({ code, key: "a" });
      await clients.redemptions.confirmRedemption({ code, key: "a" });
    }
    // Once it has ended nothing is read again.
    await clients.campaigns.endCampaign({ campaignId });
    await untilState(clients, campaignId, "ENDED");
  });
  after(() => services.end());

  const collection = () => stores.db.collection<RedemptionDoc>("redemptions");
  const verdictsOf = async () => {
    const verified = await couponVerify(service.url, campaignId);
    expect(verified.stdout + verified.stderr, "secrecy").not.to.match(/[가-힣]/);
    return verified;
  };

  it("what the service wrote passes", async () => {
    const { wrong, stores: told } = await verdictsOf();
    expect(wrong).to.deep.equal([]);
    const judged = told.checks.filter(({ invariant }) => String(invariant).startsWith("R"));
    expect(judged.map(({ invariant, compared }) => [invariant, compared])).to.deep.equal([
      ["R1", 1],
      ["R3", 1],
      ["R4", 1],
    ]);
  });

  for (const { fails, what, plant } of DAMAGES)
    it(`${fails}: ${what}`, async () => {
      const filter: Filter<RedemptionDoc> = { _id: code };
      const doc = await collection().findOne(filter);
      if (doc === null) throw new Error("there is no document");
      const damaged = structuredClone(doc);
      plant(damaged);
      const validDays: UpdateFilter<{ _id: string }> =
        what === "redeemed after its validity"
          ? { $set: { "redemption.validUntil": later(use(doc).endedAt, 0) } }
          : { $unset: { redemption: 1 } };
      const campaigns = stores.db.collection<{ _id: string }>("campaigns");
      await campaigns.updateOne({ _id: campaignId }, validDays);
      await collection().replaceOne(filter, damaged);
      try {
        const { wrong, code: exit } = await verdictsOf();
        expect([wrong, exit]).to.deep.equal([[fails], 8]);
      } finally {
        await collection().replaceOne(filter, doc);
        await campaigns.updateOne({ _id: campaignId }, { $unset: { redemption: 1 } });
      }
    });

  it("R4: redeemed, and not issued", async () => {
    const issuances = stores.db.collection<{ _id: string }>("issuances");
    await collection().insertOne({
      ...{ _id: "없는코드하나0001", campaignId, revision: 1, voided: false, voidChanges: [] },
      uses: [{ key: "a", state: "confirmed", by: "x", endedAt: later(new Date(), -1) }],
    });
    expect(await issuances.findOne({ _id: "없는코드하나0001" })).to.equal(null);
    expect((await verdictsOf()).wrong).to.deep.equal(["R4"]);
    await collection().deleteOne({ _id: "없는코드하나0001" });
  });
});
