import { expect } from "chai";
import { changeEvent, issuedEvent, stockEvent, testEvent } from "../../events/cloud-event.ts";
import type { HistoryDoc, IssuanceDoc } from "../../record/documents.ts";

const campaignId = "01JABCDEFGHJKMNPQRSTVWXYZ0";
const issuance: IssuanceDoc = {
  ...{ _id: "예송탐니빈즈7550", campaignId, claimKey: "user-1", generation: 2, seq: 7 },
  issuedAt: new Date("2026-12-24T11:00:00.123Z"),
};
const place = { n: 12, index: 3 };

describe("CloudEvents", () => {
  it("an issued coupon, with who claimed it as FindIssuance shows that", () => {
    const facts = { onePerUser: true, number: 107, late: false };
    expect(issuedEvent(issuance, facts, place)).to.deep.equal({
      specversion: "1.0",
      id: `${campaignId}/2-7`,
      source: `/campaigns/${campaignId}`,
      type: "coupon.issued",
      subject: "issuances/2-7",
      time: "2026-12-24T11:00:00.123Z",
      datacontenttype: "application/json",
      sequence: "000000012-000003",
      data: {
        ...{ campaignId, code: "예송탐니빈즈7550", userId: "user-1", issuedAt: "2026-12-24T11:00:00.123Z" },
        ...{ generation: 2, seq: 7, number: 107 },
      },
    });
    const keyed = { ...issuance, claimKey: "user-1\u001forder-9", userId: "user-1" };
    const several = issuedEvent(keyed, { onePerUser: false, number: 1, late: true }, place);
    expect(several.data).to.include({ userId: "user-1", requestId: "order-9", late: true });
    const unknown = issuedEvent(issuance, { onePerUser: false, number: 1, late: false }, place);
    expect(unknown.data).to.include({ requestId: "user-1" }).and.not.to.have.any.keys("userId", "late");
  });

  it("a change of the campaign, at the time when it happened", () => {
    const startsAt = new Date("2026-12-24T11:00:00Z");
    const settings = { name: "launch", total: 100, startsAt };
    const entry: HistoryDoc = {
      ...{ _id: `${campaignId}/3`, campaignId, revision: 3, actor: "scheduler", verb: "open" },
      ...{ at: new Date("2026-12-24T11:00:01Z"), happenedAt: new Date("2026-12-24T11:00:00.004Z") },
      before: { ...settings, state: "SCHEDULED" },
      after: {
        ...settings,
        ...{ state: "OPEN", endsAt: new Date("2026-12-25T11:00:00Z"), metadata: ["a=b=", "c=d"] },
      },
    };
    const told = { name: "launch", total: 100, startsAt: "2026-12-24T11:00:00.000Z" };
    expect(changeEvent(entry, { n: 1, index: 0 })).to.deep.include({
      id: `${campaignId}/3`,
      type: "campaign.opened",
      subject: "revisions/3",
      time: "2026-12-24T11:00:00.004Z",
      data: {
        ...{ campaignId, revision: 3, actor: "scheduler" },
        before: { ...told, state: "SCHEDULED" },
        after: {
          ...{ ...told, state: "OPEN", endsAt: "2026-12-25T11:00:00.000Z" },
          metadata: { a: "b=", c: "d" },
        },
      },
    });
  });

  it("a threshold that the stock reached comes after the coupon that reached it", () => {
    const coupon = issuedEvent(issuance, { onePerUser: true, number: 90, late: false }, place);
    const next = issuedEvent(issuance, { onePerUser: true, number: 91, late: false }, { n: 12, index: 4 });
    const stock = { threshold: "10%", remaining: 10, issued: 90, total: 100 };
    const low = stockEvent(issuance, stock, place);
    expect(low).to.deep.include({
      id: `${campaignId}/stock.low/10%/90`,
      type: "stock.low",
      time: coupon.time,
      data: { campaignId, ...stock },
    });
    expect([next, low, coupon].map(({ sequence }) => sequence).sort()).to.deep.equal(
      [coupon, low, next].map(({ sequence }) => sequence),
    );
  });

  it("a test of a sink belongs to no campaign", () => {
    expect(testEvent("crm", "1", 0)).to.include({
      id: "crm/test/1",
      source: "/sinks/crm",
      type: "sink.test",
    });
  });
});
