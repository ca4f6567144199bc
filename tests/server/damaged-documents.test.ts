import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { CampaignService, CampaignView } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { IssuanceDoc } from "../../record/documents.ts";
import { systemClock } from "../../runtime/clock.ts";
import { issuedCampaign } from "../support/issued-campaign.ts";
import { type OpenApp, openApp } from "../support/open-app.ts";
import { withStores } from "../support/with-stores.ts";

describe("an issuance in MongoDB that is not what it has to be", () => {
  const stores = withStores();
  let app: OpenApp;
  let made = 0;

  before(async () => {
    app = await openApp(stores, { clock: systemClock });
  });
  after(async () => {
    await app.close();
  });

  async function damaged(change: object) {
    const campaignId = await issuedCampaign(stores, 3);
    const issuances = stores.db.collection<IssuanceDoc>("issuances");
    const found = await issuances.findOneAndDelete({ campaignId, seq: 2 });
    // A code in the composed form that people type.
    const code = `가나다라마바${String(++made).padStart(4, "0")}`;
    await issuances.insertOne({ ...found, _id: code } as IssuanceDoc);
    await issuances.updateOne({ _id: code }, change);
    const baseUrl = `http://127.0.0.1:${app.port}`;
    const client = createClient(CampaignService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
    const asked: Record<string, () => Promise<unknown>> = {
      async exportCoupons() {
        for await (const _ of client.exportCoupons({ campaignId }));
      },
      findIssuance: () => client.findIssuance({ code }),
      getCampaign: () => client.getCampaign({ campaignId, view: CampaignView.FULL }),
    };
    return { code, asked };
  }

  const kinds: [string, object, string, string[]][] = [
    ["a text for a date", { $set: { issuedAt: "soon" } }, "issuedAt is a string, not a date", []],
    ["no date", { $unset: { issuedAt: 1 } }, "issuedAt is missing, not a date", []],
    [
      "a place that is a text",
      { $set: { seq: "2" } },
      "seq is a string, not a whole number",
      ["getCampaign"],
    ],
    [
      "a claim key that is a number",
      { $set: { claimKey: 7 } },
      "claimKey is a number out of range, not a text",
      [],
    ],
    [
      "a generation that is none",
      { $set: { generation: null } },
      "generation is null, not a whole number",
      ["getCampaign"],
    ],
  ];
  for (const [what, change, misfit, also] of kinds)
    it(`is named, and is no bug, by whatever reads it: ${what}`, async () => {
      const { code, asked } = await damaged(change);
      for (const method of ["exportCoupons", "findIssuance", ...also]) {
        const error = await asked[method]?.().then(
          () => undefined,
          (thrown: unknown) => ConnectError.from(thrown),
        );
        expect([error?.code, method]).to.deep.equal([Code.DataLoss, method]);
        expect(error?.rawMessage)
          .to.match(/^MongoDB: issuances, code#[0-9a-f]{4}: /)
          .and.include(misfit);
        expect(error?.rawMessage).not.to.include(code);
      }
    });
});
