import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { toJsonString } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  ConfirmRedemptionResponseSchema,
  RedeemCouponResponseSchema,
  ReserveCouponResponseSchema,
} from "../../../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { RedemptionDoc } from "../../../record/redemption-documents.ts";
import { createOpenCampaign } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { coupon, type Told } from "../../support/coupon-verify.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { temporaryDir } from "../../support/temporary-dir.ts";
import { withStores } from "../../support/with-stores.ts";

describe("coupon verify --confirmed", () => {
  const stores = withStores();
  const folder = temporaryDir();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let campaignId: string;
  let codes: string[];

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
    campaignId = await createOpenCampaign(clients, { total: 10 });
    codes = [];
    for (let i = 0; i < 4; i++) codes.push(await issued(campaignId, `u${i}`));
  });
  after(async () => {
    folder.remove();
    await services.end();
  });

  async function issued(id: string, userId: string): Promise<string> {
    const answer = await clients.coupons.issueCoupon({ campaignId: id, userId });
    return answer.coupon?.code ?? expect.fail("no coupon");
  }

  function fileOf(name: string, ...lines: string[]): string {
    const path = join(folder.path, name);
    writeFileSync(path, lines.join("\n"));
    return path;
  }

  /** The first code is redeemed, the second reserved and confirmed, the third reserved. */
  async function answersOf([a = "", b = "", c = ""]: readonly string[], order: string) {
    const { redemptions } = clients;
    const redeemed = await redemptions.redeemCoupon({ code: a, key: `${order}-1` });
    const reserved = await redemptions.reserveCoupon({ code: b, key: `${order}-2` });
    const confirmed = await redemptions.confirmRedemption({ code: b, key: `${order}-2` });
    await redemptions.reserveCoupon({ code: c, key: `${order}-3` });
    return { redeemed, reserved, confirmed };
  }

  type Confirmed = { entries: number; ofOthers: number; check: Told };

  async function verified(files: string) {
    const { code, stdout, stderr } = await coupon(
      ...([service.url, "verify", campaignId, "--json", "--confirmed", files] as const),
    );
    const { confirmed, ok } = JSON.parse(stdout) as { confirmed: Confirmed; ok: boolean };
    return { code, ok, stderr, stdout, ...confirmed };
  }

  it("holds where each confirmation is on record, as answers or as code and key", async () => {
    const { redemptions } = clients;
    const [a = ""] = codes;
    const { redeemed, reserved, confirmed } = await answersOf(codes, "order");
    const other = await createOpenCampaign(clients, { total: 1 });
    const foreign = await issued(other, "u");
    await redemptions.redeemCoupon({ code: foreign, key: "order-4" });
    const answers = fileOf(
      "answers.jsonl",
      toJsonString(RedeemCouponResponseSchema, redeemed),
      toJsonString(ReserveCouponResponseSchema, reserved),
      toJsonString(ConfirmRedemptionResponseSchema, confirmed),
      "",
    );
    const pairs = fileOf(
      "pairs.jsonl",
      JSON.stringify({ code: [...a].join("-"), key: "order-1", shop: "7" }),
      JSON.stringify({ code: foreign, key: "order-4" }),
      '{"code":"half a li',
    );
    const judged = await verified(`${answers},${pairs}`);
    expect([judged.code, judged.ok, judged.entries, judged.ofOthers], judged.stderr).to.deep.equal([
      ...[0, true, 4, 1],
    ]);
    expect(judged.check).to.include({
      ...{ invariant: "R2", verdict: "CHECK_VERDICT_HOLDS", compared: 3 },
      detail: "3 acknowledged confirmations, 1 other of other campaigns",
    });
  });

  it("names the lines of what is not on record, and no code", async () => {
    const others: string[] = [];
    for (let i = 0; i < 4; i++) others.push(await issued(campaignId, `v${i}`));
    await answersOf(others, "sale");
    const [a = "", b = "", c = "", d = ""] = others;
    const told = fileOf(
      "told.jsonl",
      JSON.stringify({ code: a, key: "sale-1" }),
      JSON.stringify({ code: c, key: "sale-3" }),
      JSON.stringify({ code: a, key: "another order" }),
      JSON.stringify({ code: b, key: "sale-2" }),
      JSON.stringify({ code: d, key: "sale-5" }),
      JSON.stringify({ code: "가가가가가가0000", key: "order-6" }),
    );
    const docs = stores.db.collection<RedemptionDoc>("redemptions");
    expect((await docs.deleteOne({ _id: b })).deletedCount).to.equal(1);
    const { code, ok, check, stdout, stderr } = await verified(told);
    expect([code, ok]).to.deep.equal([8, false]);
    expect(stderr).to.include("R2 is violated");
    expect(check).to.include({ verdict: "CHECK_VERDICT_VIOLATED", compared: 6, violations: 5 });
    const isNot = "was confirmed, and is not redeemed under its key on record";
    expect(check.offenders.map(({ words }) => words).sort()).to.deep.equal([
      ...[2, 3, 4, 5].map((line) => `line ${line} ${isNot}`),
      "line 6 was confirmed, and its code is that of no coupon",
    ]);
    for (const one of others) expect(stdout + stderr).not.to.include(one);
  });

  it("is not judged without a file, or by a file without a confirmation of the campaign", async () => {
    const { stdout } = await coupon(service.url, "verify", campaignId);
    expect(stdout).to.match(/ R2 {3}not judged .*every acknowledged redemption.*--confirmed/);
    const { code, check } = await verified(fileOf("empty.jsonl", ""));
    expect([code, check.verdict, check.compared]).to.deep.equal([0, "CHECK_VERDICT_NOT_JUDGED", 0]);
    const none = await coupon(service.url, "verify", campaignId, "--confirmed", fileOf("none.jsonl", ""));
    expect(none.stdout).to.include("redeemers' records, ").and.include("0 confirmations");
  });

  it("a line that is none, and a file that cannot be read, are errors", async () => {
    for (const [path, words] of [
      [fileOf("bad.jsonl", '{"code":"A"}', ""), "line 1 is no confirmation"],
      [join(folder.path, "nothing"), `--confirmed: cannot read "${join(folder.path, "nothing")}": ENOENT`],
      [fileOf("long.jsonl", "x".repeat(70_000), ""), "line 1 is longer than 65536 bytes"],
    ] as const) {
      const { code, stderr } = await coupon(service.url, "verify", campaignId, "--confirmed", path);
      expect([code, stderr.includes(words)], stderr).to.deep.equal([2, true]);
    }
  });
});
