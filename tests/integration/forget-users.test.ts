import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import type { CampaignDoc } from "../../record/documents.ts";
import { refusal } from "../support/answers.ts";
import { createCampaign, createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { keySetting } from "../support/operator-key.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const OPERATOR = "cpo_the-key-of-an-operator-who-edits-012345";

describe("after how many days users are erased", () => {
  const stores = withStores();
  let services: Services;
  let admin: Clients;
  let operator: Clients;
  let keyless: Clients;

  before(async () => {
    const { name, role, sha256 } = keySetting("kim", "operator", OPERATOR);
    services = createServices({ ...stores.env, OPERATOR_KEYS: `${name}:${role}:${sha256}` });
    const { url } = await services.start({ env: { ERASURE_KEY: "k".repeat(40) } });
    [admin, operator] = [connectClients(url), connectClients(url, { token: OPERATOR })];
    keyless = connectClients((await services.start({ roles: "server" })).url);
  });
  after(() => services.end());

  const daysOf = async (campaignId: string) =>
    (await admin.campaigns.getCampaign({ campaignId })).campaign?.forgetUsersAfterDays;

  it("is shown, edited, removed, and in the history; a repeated request is recognised", async () => {
    const wanted = { total: 1, forgetUsersAfterDays: 30, requestId: "made to forget", startsAtMs: 1_000 };
    const { id: campaignId, name, startsAt } = await createCampaign(admin, wanted);
    expect(await daysOf(campaignId)).to.equal(30);
    const edit = { campaignId, forgetUsersAfterDays: 7 };
    const tried = await admin.campaigns.updateCampaign({ ...edit, dryRun: true });
    expect([tried.campaign?.forgetUsersAfterDays, await daysOf(campaignId)]).to.deep.equal([7, 30]);
    const requestId = "a week";
    const edited = await admin.campaigns.updateCampaign({ ...edit, requestId });
    expect([edited.already, edited.notices, await daysOf(campaignId)]).to.deep.equal([false, [], 7]);
    expect((await admin.campaigns.updateCampaign({ ...edit, requestId })).already).to.equal(true);
    expect((await admin.campaigns.updateCampaign(edit)).already).to.equal(true);
    const other = admin.campaigns.updateCampaign({ ...edit, forgetUsersAfterDays: 8, requestId });
    expect((await refusal(other)).message).to.include("another number of days");
    // A creation is compared with what was created, not with what stands now.
    expect(
      (
        await admin.campaigns.createCampaign({
          ...wanted,
          name,
          startsAt: timestampFromMs(1_000),
          onePerUser: true,
        })
      ).campaign,
    ).to.include({ id: campaignId, forgetUsersAfterDays: 7 });
    expect(startsAt).to.deep.include({ seconds: 1n });
    await admin.campaigns.updateCampaign({ campaignId, name: "another" });
    await admin.campaigns.updateCampaign({ campaignId, keepUsers: true });
    expect(await daysOf(campaignId)).to.equal(0);
    expect((await admin.campaigns.updateCampaign({ campaignId, keepUsers: true })).already).to.equal(true);
    const { entries } = await admin.campaigns.listHistory({ campaignId });
    const edits = entries.filter(({ verb }) => verb === "edit");
    expect(
      edits.map(({ before, after }) => [before?.forgetUsersAfterDays, after?.forgetUsersAfterDays]),
    ).to.deep.equal([
      [7, 0],
      [7, 7],
      [30, 7],
    ]);
    expect(entries.at(-1)?.after?.forgetUsersAfterDays).to.equal(30);
    const doc = await stores.db.collection<CampaignDoc>("campaigns").findOne({ _id: campaignId });
    expect(doc).not.to.have.property("forgetUsersAfterDays");
  });

  it("of a campaign that is over: says when its users are erased; steps of the service keep the days", async () => {
    const campaignId = await createOpenCampaign(admin, { total: 1, forgetUsersAfterDays: 2 });
    await admin.campaigns.endCampaign({ campaignId });
    const { notices } = await admin.campaigns.updateCampaign({ campaignId, forgetUsersAfterDays: 1 });
    expect(notices).to.have.length(1);
    expect(notices[0]).to.include("the campaign is over: its users are erased 1 day after it became so");
    const { entries } = await admin.campaigns.listHistory({ campaignId });
    const steps = entries.filter(({ verb }) => verb !== "edit");
    expect(steps.map(({ after }) => after?.forgetUsersAfterDays)).to.deep.equal(steps.map(() => 2));
  });

  it("needs the role admin and the key of pseudonyms; bad numbers are refused with their field", async () => {
    const { id: campaignId } = await createCampaign(admin, { total: 1 });
    for (const edit of [{ forgetUsersAfterDays: 3 }, { keepUsers: true }]) {
      const denied = await refusal(operator.campaigns.updateCampaign({ campaignId, name: "x", ...edit }));
      expect(denied.reason).to.equal("PERMISSION_DENIED");
      expect(denied.message).to.include("needs the role admin");
    }
    await operator.campaigns.updateCampaign({ campaignId, name: "renamed by an operator" });
    for (const [clients, edit, words] of [
      [keyless, { forgetUsersAfterDays: 3 }, "has no ERASURE_KEY"],
      [admin, { forgetUsersAfterDays: 3_651 }, "is 3,651"],
      [admin, { forgetUsersAfterDays: -1 }, "is -1"],
      [admin, { forgetUsersAfterDays: 3, keepUsers: true }, "must be 0 where keep_users is true"],
    ] as const) {
      const refused = await refusal(clients.campaigns.updateCampaign({ campaignId, ...edit }));
      expect(refused.reason).to.equal("INVALID");
      expect(refused.message)
        .to.match(/^forget_users_after_days: /)
        .and.include(words);
    }
    await keyless.campaigns.updateCampaign({ campaignId, keepUsers: true });
    expect(await daysOf(campaignId)).to.equal(0);
  });
});
