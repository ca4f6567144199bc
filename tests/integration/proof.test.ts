import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { statementLines as linesOf, proofFile } from "../../cli/proof-file.ts";
import { until } from "../../local/poll.ts";
import { repositoryDir } from "../../local/repository.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import type { ExportedCoupon } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { type GetIssuanceProofResponse, ReceiptSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { IssuanceProofSchema } from "../../proto/gen/coupon/v1/proof_pb.ts";
import { nodeTools } from "../../verifier/node-tools.mjs";
import { verifyFile } from "../../verifier/verify.mjs";
import { TEST_KEY } from "../proof/sample-launch.ts";
import { refusal } from "../support/answers.ts";
import { type Clients, connectClients, grpcWebClients } from "../support/clients.ts";
import { inParallel } from "../support/in-parallel.ts";
import { HANG_MS } from "../support/patience.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { runHere } from "../support/run-here.ts";
import { createServices, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

/** More than one chunk of issuances, and of codes. */
const [TOTAL, ISSUED] = [1_150, 1_100];
const userOf = (n: number) => `${KEY_PREFIX}user-${n}`;

async function* bytesOf(lines: readonly string[]) {
  yield Buffer.from(`${lines.join("\n")}\n`);
}
const verdictOf = (lines: readonly string[], given = {}) => verifyFile(bytesOf(lines), nodeTools, given);

const fileOf = (campaign: string, answer: GetIssuanceProofResponse) =>
  proofFile(campaign, answer) ?? expect.fail("no proof");

describe("proof of a launch: commitment, certificate, proofs, receipts", () => {
  const stores = withStores();
  let services: Services;
  let clients: Clients;
  let plain: Clients;
  let url = "";
  let campaignId = "";
  let saved: string[] = [];
  let publicKey = "";
  let certificate: string[] = [];

  before(async () => {
    services = createServices(stores.env);
    url = (await services.start({ env: { CERTIFICATE_KEY: TEST_KEY } })).url;
    clients = connectClients(url);
    plain = connectClients((await services.start({ roles: "server" })).url);
  });
  after(() => services.end());

  const stateIs = (id: string, state: CampaignState) => async () =>
    (await clients.campaigns.getCampaign({ campaignId: id, view: 1 })).campaign?.state === state;

  async function certify(id: string): Promise<string[]> {
    let text = "";
    for await (const { statement, lines } of clients.campaigns.certifyCampaign({ campaignId: id })) {
      if (statement !== undefined) text += `${linesOf(statement).join("\n")}\n`;
      text += lines;
    }
    return text.trimEnd().split("\n");
  }

  it("the commitment is public before the start, signed, and the campaign shows it", async () => {
    const startsAt = timestampFromMs(Date.now() + 3_000);
    const created = await clients.campaigns.createCampaign({
      name: "proof",
      total: TOTAL,
      startsAt,
      onePerUser: true,
    });
    campaignId = created.campaign?.id ?? "";
    expect(await until(stateIs(campaignId, CampaignState.SCHEDULED), HANG_MS, 20)).to.equal(true);
    const answer = await clients.coupons.getCampaignCommitment({ campaignId });
    expect(answer.commitments).to.have.length(1);
    expect(answer.commitments[0]).to.include({ number: 1, first: 0, size: TOTAL });
    publicKey = answer.publicKey;
    saved = answer.signed.flatMap(linesOf);
    expect(await verdictOf(saved, { publicKey })).to.include({ ok: true });
    const { campaign } = await clients.campaigns.getCampaign({ campaignId, view: 1 });
    expect(campaign?.commitment).to.deep.equal(answer.commitments[0]);
    expect(
      await refusal(clients.campaigns.certifyCampaign({ campaignId })[Symbol.asyncIterator]().next()),
    ).to.include({
      reason: "NOT_ALLOWED",
    });
    const unsigned = await plain.coupons.getCampaignCommitment({ campaignId });
    expect(unsigned).to.deep.include({ commitments: answer.commitments, signed: [], publicKey: "" });
    expect(
      (await refusal(clients.coupons.getCampaignCommitment({ campaignId: "0".repeat(26) }))).reason,
    ).to.equal("UNKNOWN_CAMPAIGN");
  });

  it("a receipt comes with a refusal where it is asked for, over every transport, and is signed", async () => {
    const userId = userOf(0);
    const receiptOf = async (ask: Promise<unknown>) => {
      const error = ConnectError.from(
        await ask.then(
          () => expect.fail("no refusal"),
          (one: unknown) => one,
        ),
      );
      return error.findDetails(ReceiptSchema)[0]?.statement;
    };
    const early = await receiptOf(clients.coupons.issueCoupon({ campaignId, userId, receipt: true }));
    const lines = linesOf(early ?? expect.fail("no receipt"));
    const verdict = await verdictOf(lines, { user: userId, publicKey });
    expect(verdict.findings.map(({ text }) => text)[0]).to.match(/answered a claim at .* with NOT_STARTED$/);
    expect(verdict.ok).to.equal(true);
    expect((await verdictOf(lines, { user: userOf(1) })).ok).to.equal(false);
    for (const { coupons } of [connectClients(url, { json: true }), grpcWebClients(url)])
      expect(await receiptOf(coupons.issueCoupon({ campaignId, userId, receipt: true }))).to.not.equal(
        undefined,
      );
    expect(await receiptOf(clients.coupons.issueCoupon({ campaignId, userId }))).to.equal(undefined);
    expect(await receiptOf(clients.coupons.issueCoupon({ campaignId: "x", userId, receipt: true }))).to.equal(
      undefined,
    );
    expect(await receiptOf(plain.coupons.issueCoupon({ campaignId, userId, receipt: true }))).to.equal(
      undefined,
    );
  });

  it("a winner's proof shows the commitment before the end, and the rank after it; at most 2 kB", async () => {
    expect(await until(stateIs(campaignId, CampaignState.OPEN), HANG_MS, 20)).to.equal(true);
    const users = Array.from({ length: ISSUED }, (_, n) => userOf(n));
    await inParallel(users, 64, (userId) => clients.coupons.issueCoupon({ campaignId, userId }));
    const { coupon } = await clients.coupons.findCoupon({ campaignId, userId: userOf(7) });
    const before = await clients.coupons.getIssuanceProof({ campaignId, userId: userOf(7) });
    expect(before.certificate).to.equal(undefined);
    expect(before.proof).to.include({ rank: 0 });
    expect(await verdictOf(fileOf(campaignId, before), { code: coupon?.code, publicKey })).to.include({
      ok: true,
    });

    await clients.campaigns.endCampaign({ campaignId });
    await untilCertified();
    expect(certificate).to.have.length(2 + TOTAL);
    for (const n of [0, 7, 500, ISSUED - 1]) {
      const userId = userOf(n);
      const { coupon: own } = await clients.coupons.findCoupon({ campaignId, userId });
      const answer = await clients.coupons.getIssuanceProof({ campaignId, userId });
      const given = { code: own?.code, user: userId, publicKey };
      const verdict = await verdictOf(fileOf(campaignId, answer), given);
      expect(
        verdict.findings.filter(({ level }) => level !== "holds"),
        userId,
      ).to.deep.equal([]);
      const proof = answer.proof ?? create(IssuanceProofSchema);
      expect(toBinary(IssuanceProofSchema, proof).length).to.be.lessThan(2_048);
      expect(certificate[proof.rank + 1]).to.include(
        `"${Buffer.from(proof.codeHash).toString("base64url")}"`,
      );
      const byCode = await clients.coupons.getIssuanceProof({ campaignId, code: own?.code ?? "" });
      expect(byCode.proof).to.deep.equal({ ...proof, keySalt: new Uint8Array() });
      // FindIssuance and the export have the same rank.
      const { issuance } = await clients.campaigns.findIssuance({ campaignId, userId });
      expect(issuance?.coupon?.rank).to.equal(proof.rank);
    }
    expect(
      (await refusal(clients.coupons.getIssuanceProof({ campaignId, userId: userOf(9_999) }))).reason,
    ).to.equal("NO_COUPON");
  });

  async function untilCertified(): Promise<void> {
    let last: unknown;
    const done = await until(
      async () => {
        certificate = await certify(campaignId).catch((error: unknown) => {
          last = error;
          return [];
        });
        return certificate.length > 0;
      },
      HANG_MS,
      50,
    );
    expect(done, String(last)).to.equal(true);
  }

  it("the certificate is the same however often it is asked for, and holds with the saved commitment", async () => {
    expect(await certify(campaignId)).to.deep.equal(certificate);
    const verdict = await verdictOf(certificate, { publicKey, commitment: saved });
    expect(verdict.findings.filter(({ level }) => level !== "holds")).to.deep.equal([]);
    expect(verdict.ok).to.equal(true);
    const text = certificate.join("\n");
    expect(text).not.to.include(KEY_PREFIX);
    const { issuedCodes } = await clients.campaigns.getCampaign({ campaignId });
    for (const code of issuedCodes.slice(0, 20)) expect(text).not.to.include(code);
  });

  it("the export has each rank once, in order, and goes on with it after a break", async () => {
    const batches: { readonly ranks: number[]; readonly token: string }[] = [];
    const ranksOf = (coupons: readonly ExportedCoupon[]) => coupons.map(({ coupon }) => coupon?.rank ?? 0);
    for await (const batch of clients.campaigns.exportCoupons({ campaignId, batchSize: 400 }))
      batches.push({ ranks: ranksOf(batch.coupons), token: batch.nextPageToken });
    const [first] = batches;
    const ranks = [...(first?.ranks ?? [])];
    for await (const batch of clients.campaigns.exportCoupons({ campaignId, pageToken: first?.token ?? "" }))
      ranks.push(...ranksOf(batch.coupons));
    expect(batches.flatMap((batch) => batch.ranks)).to.deep.equal(ranks);
    expect(ranks).to.deep.equal(Array.from({ length: ISSUED }, (_, i) => i + 1));
  });

  it("coupon certify, commitment and proof write the files, and the program checks them", async () => {
    const dir = temporaryDir();
    const file = (name: string) => join(dir.path, name);
    const coupon = (...args: string[]) => runHere([...args], { url });
    try {
      const ran = [
        await coupon("certify", campaignId, "--out", file("certificate")),
        await coupon("commitment", campaignId, "--out", file("commitment")),
        await coupon("proof", campaignId, "--user", userOf(3), "--out", file("proof")),
      ];
      expect(ran.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).to.deep.equal([0, 0, 0]);
      expect(ran[1]?.stdout).to.include(publicKey);
      expect(readFileSync(file("certificate"), "utf8")).to.equal(`${certificate.join("\n")}\n`);
      expect(readFileSync(file("commitment"), "utf8")).to.equal(`${saved.join("\n")}\n`);
      const verify = (...args: string[]) =>
        spawnSync(process.execPath, [join(repositoryDir, "verifier", "verify-certificate.mjs"), ...args])
          .status;
      expect(verify(file("certificate"), "--commitment", file("commitment"))).to.equal(0);
      expect(verify(file("proof"), "--user", userOf(3), "--public-key", publicKey)).to.equal(0);
      expect(verify(file("proof"), "--user", userOf(4))).to.equal(1);
      const piped = await coupon("certify", campaignId);
      expect(piped.stdout).to.equal(`${certificate.join("\n")}\n`);
      const byCode = await coupon("proof", campaignId, "--user", userOf(3), "--code", "가0");
      expect(byCode.stderr).to.match(/give one of --user, --request and --code/);
    } finally {
      dir.remove();
    }
  });

  it("added coupons get a commitment of their own, before they can be issued, and a new certificate", async () => {
    const made = await clients.campaigns.createCampaign({
      ...{ name: "added", total: 2, startsAt: timestampFromMs(Date.now() - 1_000), onePerUser: true },
    });
    const id = made.campaign?.id ?? "";
    const claim = (n: number) => clients.coupons.issueCoupon({ campaignId: id, userId: userOf(n) });
    expect(await until(stateIs(id, CampaignState.OPEN), HANG_MS, 20)).to.equal(true);
    for (const n of [0, 1]) await claim(n);
    expect(await until(stateIs(id, CampaignState.SOLD_OUT), HANG_MS, 20)).to.equal(true);
    const first = await certify(id);
    await clients.campaigns.addCoupons({ campaignId: id, count: 3 });
    expect(
      await until(
        () =>
          claim(2).then(
            () => true,
            () => false,
          ),
        HANG_MS,
        50,
      ),
    ).to.equal(true);
    const { commitments, signed } = await clients.coupons.getCampaignCommitment({ campaignId: id });
    expect(commitments.map(({ number, first: from, size }) => [number, from, size])).to.deep.equal([
      ...[
        [1, 0, 2],
        [2, 2, 3],
      ],
    ]);
    await clients.campaigns.endCampaign({ campaignId: id });
    let second: string[] = [];
    const isCertified = async () => {
      second = await certify(id).catch(() => []);
      return second.length > 0;
    };
    expect(await until(isCertified, HANG_MS, 50)).to.equal(true);
    expect(first).to.have.length(2 + 2);
    expect(second).to.have.length(2 + 5);
    expect(second.slice(2, 4), "the first ranks stay").to.deep.equal(first.slice(2, 4));
    for (const lines of [first, second]) expect(await verdictOf(lines)).to.include({ ok: true });
    const newest = signed.slice(1).flatMap(linesOf);
    expect(await verdictOf(second, { commitment: newest })).to.include({ ok: true });
    expect(await verdictOf(first, { commitment: newest }), "of before").to.include({ ok: false });
  });

  it("a deployment without a key certifies nothing, and says why", async () => {
    const asked = plain.campaigns.certifyCampaign({ campaignId })[Symbol.asyncIterator]().next();
    const error = ConnectError.from(
      await asked.then(
        () => expect.fail("no refusal"),
        (one: unknown) => one,
      ),
    );
    expect(error.rawMessage).to.match(/^certify is not possible: .*no CERTIFICATE_KEY/);
  });
});
