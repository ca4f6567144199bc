import { createHash, createHmac } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { makeCertificate } from "../../../campaign/certify.ts";
import { statementLines as linesOf, proofFile } from "../../../cli/proof-file.ts";
import { until } from "../../../local/poll.ts";
import { readSigningKey } from "../../../proof/signing-key.ts";
import { CampaignState } from "../../../proto/gen/coupon/v1/campaign_pb.ts";
import { createCampaigns } from "../../../record/campaigns.ts";
import { createCertificates } from "../../../record/certificates.ts";
import { createCommitments } from "../../../record/commitments.ts";
import { createCoupons } from "../../../record/coupons.ts";
import { createIssuances } from "../../../record/issuances.ts";
import { nodeTools } from "../../../verifier/node-tools.mjs";
import { verifyFile } from "../../../verifier/verify.mjs";
import { TEST_KEY } from "../../proof/sample-launch.ts";
import { createOpenCampaign } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { inParallel } from "../../support/in-parallel.ts";
import { HANG_MS } from "../../support/patience.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { createServices, type Services } from "../../support/service.ts";
import { withStores } from "../../support/with-stores.ts";

/** One full chunk and the beginning of another. */
const ISSUED = 1_064;
const IN_FIRST_CHUNK = 1_024;
const userOf = (n: number) => `${KEY_PREFIX}holder-${n}`;

async function* bytesOf(lines: readonly string[]) {
  yield Buffer.from(`${lines.join("\n")}\n`);
}
const verdictOf = (lines: readonly string[], given = {}) => verifyFile(bytesOf(lines), nodeTools, given);

describe("a certificate, and users who are erased before, while and after it is made", () => {
  const stores = withStores("alone");
  let services: Services;
  let clients: Clients;
  let campaignId = "";
  /** The users by the rank of their coupons, from 1. */
  const byRank: string[] = [""];
  let certificate: string[] = [];

  before(async () => {
    services = createServices({ ...stores.env, ERASURE_KEY: "k".repeat(40) });
    clients = connectClients((await services.start({ env: { CERTIFICATE_KEY: TEST_KEY } })).url);
    campaignId = await createOpenCampaign(clients, { total: ISSUED });
    const users = Array.from({ length: ISSUED }, (_, n) => userOf(n));
    await inParallel(users, 32, (userId) => claim(campaignId, userId));
    await isSoldOut(campaignId);
    for await (const { coupons } of clients.campaigns.exportCoupons({ campaignId }))
      for (const { userId, coupon } of coupons) byRank[coupon?.rank ?? 0] = userId;
    expect(byRank).to.have.length(ISSUED + 1);
  });
  after(() => services.end());

  /** As a caller does: where the outcome is not known, it asks again with the same key. */
  async function claim(id: string, userId: string): Promise<void> {
    const asked = () =>
      clients.coupons.issueCoupon({ campaignId: id, userId }).then(
        () => true,
        () => false,
      );
    expect(await until(asked, HANG_MS, 50), userId).to.equal(true);
  }

  /** An erasure of a campaign that may still issue waits until every server heeds it. */
  async function isSoldOut(id: string): Promise<void> {
    const state = async () =>
      (await clients.campaigns.getCampaign({ campaignId: id, view: 1 })).campaign?.state;
    expect(await until(async () => (await state()) === CampaignState.SOLD_OUT, HANG_MS, 50)).to.equal(true);
  }

  async function erase(...ranks: readonly number[]): Promise<void> {
    const userIds = ranks.map((rank) => byRank[rank] ?? expect.fail(`nobody has rank ${rank}`));
    for await (const { message } of clients.campaigns.eraseUsers({ userIds, campaignId }))
      if (message.case === "report") expect(message.value.campaigns[0]?.erased).to.equal(ranks.length);
  }

  async function certify(id = campaignId): Promise<string[]> {
    let text = "";
    const reading = async () => {
      text = "";
      for await (const { statement, lines } of clients.campaigns.certifyCampaign({ campaignId: id }))
        text += `${statement === undefined ? "" : `${linesOf(statement).join("\n")}\n`}${lines}`;
      return true;
    };
    expect(await until(() => reading().catch(() => false), HANG_MS, 50)).to.equal(true);
    return text.trimEnd().split("\n");
  }

  /** Erases two users between the first chunk and the second, which no call can do at a known moment. */
  async function certifyAndEraseBetween(...ranks: readonly number[]): Promise<void> {
    const { db } = stores;
    const campaign = await createCampaigns(db).find(campaignId);
    const deps = {
      ...{ coupons: createCoupons(db), issuances: createIssuances(db), commitments: createCommitments(db) },
      ...{ certificates: createCertificates(db), signingKey: readSigningKey(TEST_KEY) },
      ...{ software: "coupon-issuer 0.0.0", nowMs: Date.now },
    };
    let turns = 0;
    const making = makeCertificate(deps, campaign ?? expect.fail("no campaign"), async (read) => {
      turns += 1;
      if (turns === 2) await erase(...ranks);
      return read(1);
    });
    for (let step = await making.next(); step.done !== true; ) step = await making.next();
    expect(turns).to.equal(2);
  }

  const [BEFORE, DURING, AFTER] = [
    [3, IN_FIRST_CHUNK + 3],
    [5, IN_FIRST_CHUNK + 5],
    [7, IN_FIRST_CHUNK + 7],
  ] as const;

  it("it holds, and is the same after each erasure", async () => {
    await erase(...BEFORE);
    await certifyAndEraseBetween(...DURING);
    certificate = await certify();
    expect((await verdictOf(certificate)).findings.filter(({ level }) => level === "refused")).to.deep.equal(
      [],
    );
    expect(certificate).to.have.length(2 + ISSUED);
    await erase(...AFTER);
    expect(await certify()).to.deep.equal(certificate);
  });

  it("an erased user's proof holds; it opens the key where the user was certified before the erasure", async () => {
    const certifiedBefore = [DURING[0], ...AFTER, 100];
    for (const rank of [...BEFORE, ...DURING, ...AFTER, 100]) {
      const userId = byRank[rank] ?? "";
      const { coupon } = await clients.coupons.findCoupon({ campaignId, userId });
      const answer = await clients.coupons.getIssuanceProof({ campaignId, userId });
      expect(answer.proof?.rank).to.equal(rank);
      const lines = proofFile(campaignId, answer) ?? [];
      expect((await verdictOf(lines, { code: coupon?.code })).ok, `rank ${rank}`).to.equal(true);
      const withUser = await verdictOf(lines, { code: coupon?.code, user: userId });
      expect(withUser.ok, `rank ${rank} of ${userId}`).to.equal(certifiedBefore.includes(rank));
    }
  });

  it("nobody without the seed finds a user by hashing guesses; not even of an erased one", async () => {
    const text = certificate.join("\n");
    const { publicKey, commitments } = JSON.parse(certificate[0] ?? "") as {
      publicKey: string;
      commitments: { root: string }[];
    };
    // Everything that the file itself could be salted or keyed with.
    const known = [campaignId, publicKey, commitments[0]?.root ?? "", certificate[0] ?? ""];
    const inFile = new Set(certificate.slice(2).map((line) => String(JSON.parse(line)[1])));
    const seedDoc = await createCommitments(stores.db).findSeed(campaignId);
    const seed = seedDoc ?? expect.fail("no seed");
    const guessed = (key: Buffer | string, id: string) => {
      const salt = createHmac("sha256", key).update("coupon-issuer/key-salt/1\n").update(id).digest();
      const tag = "coupon-issuer/key/1\n";
      return [
        createHash("sha256").update(id),
        createHash("sha256").update(key).update(id),
        createHmac("sha256", key).update(id),
        createHash("sha256").update(tag).update(id),
        createHash("sha256").update(tag).update(key).update(id),
        createHash("sha256").update(tag).update(salt).update(id),
      ].map((hash) => hash.digest("base64url"));
    };
    for (const id of byRank.slice(1)) {
      for (const key of known.flatMap((one) => [one, Buffer.from(one, "base64url")]))
        expect(guessed(key, id).filter((hash) => inFile.has(hash))).to.deep.equal([]);
      expect(text.includes(id)).to.equal(false);
    }
    expect(text).not.to.include(seed.toString("base64url")).and.not.to.include("erased:");
    // The same guess finds it where the seed is known: so the search above could find something.
    const found = byRank.slice(1).filter((id) => guessed(seed, id).some((hash) => inFile.has(hash)));
    const hidden = [...BEFORE, DURING[1]].map((rank) => byRank[rank]);
    expect(byRank.slice(1).filter((id) => !found.includes(id))).to.have.members(hidden);
  });

  it("a later certificate has the same lines of the users of an earlier one who were erased since", async () => {
    const id = await createOpenCampaign(clients, { total: 2 });
    for (const n of [0, 1]) await claim(id, userOf(n));
    await isSoldOut(id);
    const first = await certify(id);
    for await (const _ of clients.campaigns.eraseUsers({ userIds: [userOf(0)], campaignId: id }));
    await clients.campaigns.addCoupons({ campaignId: id, count: 1 });
    await claim(id, userOf(2));
    await isSoldOut(id);
    const second = await certify(id);
    expect(second).to.have.length(2 + 3);
    expect(second.slice(2, 4)).to.deep.equal(first.slice(2));
    expect(await verdictOf(second)).to.include({ ok: true });
  });

  it("holds without the seed, which nobody makes anew", async () => {
    await stores.db.collection<{ _id: string }>("proof_seeds").deleteOne({ _id: campaignId });
    expect(await certify()).to.deep.equal(certificate);
    expect(await createCommitments(stores.db).findSeed(campaignId)).to.equal(undefined);
    const userId = byRank[100] ?? "";
    const refused = await clients.coupons.getIssuanceProof({ campaignId, userId }).catch(ConnectError.from);
    expect(refused).to.include({ code: Code.FailedPrecondition });
    expect((refused as ConnectError).rawMessage).to.include("its seed");
  });
});
