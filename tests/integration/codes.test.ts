import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { SYMBOLS } from "../../codes/alphabet.ts";
import { checkFits } from "../../codes/check-character.ts";
import { campaignKeys } from "../../pool/keys.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import { held, refusal } from "../support/answers.ts";
import { readBooks } from "../support/books.ts";
import { createCampaign, createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const user = (i: number) => `${KEY_PREFIX}holder-${i}`;

describe("Codes of a running service", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let clients: Clients;
  /** A campaign whose format has a check character; at first no other format is in use. */
  let checked: string;
  let code: string;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
    clients = connectClients((await services.start()).url);
    checked = await createOpenCampaign(clients, {
      total: 3,
      name: "checked",
      codeFormat: "가가가가가가000#",
    });
    const { coupon } = await clients.coupons.issueCoupon({ campaignId: checked, userId: user(0) });
    code = held(coupon).code;
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  /** Mistypes one digit of the code. */
  const mistype = (right: string): string =>
    right.replace(/[0-9]/, (digit) => String((Number(digit) + 1) % 10));
  const unissued = async (campaignId: string): Promise<string> => {
    return (await readBooks(redis, stores.db, campaignId)).open[0] ?? expect.fail("no code is left");
  };

  it("a format with a check character is carried from the campaign to every code", async () => {
    const { open } = await readBooks(redis, stores.db, checked);
    expect(open).to.have.length(2);
    for (const each of [...open, code]) {
      expect(each).to.match(/^[가-힣]{6}[0-9]{3}[가-힣0-9]$/);
      expect(checkFits(each)).to.equal(true);
    }
  });

  describe("FindCoupon and FindIssuance", () => {
    it("tell a mistyped code from an unknown one, in one campaign and in all", async () => {
      for (const call of [
        clients.coupons.findCoupon({ campaignId: checked, code: mistype(code) }),
        clients.campaigns.findIssuance({ campaignId: checked, code: mistype(code) }),
        clients.campaigns.findIssuance({ code: mistype(code) }),
      ]) {
        const refused = await refusal(call);
        expect([refused.code, refused.reason]).to.deep.equal([Code.InvalidArgument, "INVALID"]);
        expect(refused.message).to.equal("code: mistyped: the check character does not fit; read it again");
      }
      const short = await refusal(clients.campaigns.findIssuance({ code: code.slice(1) }));
      expect(short.message).to.equal("code: mistyped: it has 9 characters, not 10");
    });

    it("call no code mistyped that may be an imported one", async () => {
      const { codeImport } = await clients.campaigns.beginCodeImport({ requestId: "with letters" });
      const importId = codeImport?.id ?? "";
      const codes = ["PARTNERX01", "PARTNERX02"];
      await clients.campaigns.uploadCodes({ importId, firstRow: 0, codes });
      await createOpenCampaign(clients, { total: codes.length, importId });
      for (const campaignId of ["", importId]) {
        const { reason } = await refusal(clients.campaigns.findIssuance({ campaignId, code: "PARTNERX01" }));
        expect(reason).to.equal("NO_COUPON");
      }
      // So that the tests below find no other format in use but theirs.
      await stores.db
        .collection<CampaignDoc>("campaigns")
        .updateOne({ _id: importId }, { $set: { codeFormat: "가가가가가가000#" } });
    });

    it("answer a code that nobody has yet exactly like one that does not exist", async () => {
      const left = await unissued(checked);
      // Another code with a correct check character, so that only the record distinguishes the two.
      const stem = mistype(left).slice(0, 9);
      const unknown = `${stem}${SYMBOLS.find((symbol) => checkFits(stem + symbol))}`;
      expect(checkFits(unknown)).to.equal(true);
      for (const campaignId of [checked, ""]) {
        const answers = [];
        for (const asked of [left, unknown]) {
          const refused = await refusal(clients.campaigns.findIssuance({ campaignId, code: asked }));
          answers.push([refused.code, refused.reason, refused.message]);
        }
        expect(answers[0]).to.deep.equal([
          Code.NotFound,
          "NO_COUPON",
          "no coupon was issued for this look-up",
        ]);
        expect(answers[1]).to.deep.equal(answers[0]);
      }
    });

    it("find who has it, however it was typed, with and without the campaign", async () => {
      const typed = [code, code.normalize("NFD"), ` ${code.slice(0, 4)}-${code.slice(4)} `];
      for (const campaignId of [checked, ""]) {
        for (const input of typed) {
          const { issuance, campaignName } = await clients.campaigns.findIssuance({
            campaignId,
            code: input,
          });
          expect([issuance?.userId, issuance?.requestId, issuance?.generation]).to.deep.equal([
            user(0),
            "",
            1,
          ]);
          expect([held(issuance?.coupon).code, issuance?.coupon?.campaignId]).to.deep.equal([code, checked]);
          expect(campaignName).to.equal("checked");
        }
      }
    });

    it("by request: the request id is the key, the user is told beside it", async () => {
      const campaignId = await createOpenCampaign(clients, {
        total: 2,
        onePerUser: false,
        codeFormat: "가가가000#",
      });
      const requestId = `${KEY_PREFIX}request`;
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, requestId, userId: user(1) });
      const { issuance } = await clients.campaigns.findIssuance({ code: held(coupon).code });
      expect([issuance?.userId, issuance?.requestId]).to.deep.equal([user(1), requestId]);
    });

    it("of letters and a prefix: found in any case and with its hyphen; documents and pool have shape 2", async () => {
      const campaignId = await createOpenCampaign(clients, { total: 3, codeFormat: "summer-AAAAAA00" });
      const { campaign } = await clients.campaigns.getCampaign({ campaignId });
      expect(campaign?.codeFormat).to.equal("SUMMER-AAAAAA00");
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: user(7) });
      const mine = held(coupon).code;
      expect(mine).to.match(/^SUMMER[BCDFGHJKMPQRTVWXY]{6}[234679]{2}$/);
      for (const input of [mine, `summer-${mine.slice(6).toLowerCase()}`, ` SUMMER - ${mine.slice(6)}`]) {
        const { coupon: found } = await clients.coupons.findCoupon({ campaignId, code: input });
        expect(held(found).code).to.equal(mine);
        const { issuance } = await clients.campaigns.findIssuance({ code: input });
        expect(issuance?.userId).to.equal(user(7));
      }
      const shapes = async (id: string) => [
        (await stores.db.collection<CampaignDoc>("campaigns").findOne({ _id: id }))?.shape,
        (await redis.hGet(campaignKeys(id).meta, "shape")) ?? "",
      ];
      expect(await shapes(campaignId)).to.deep.equal([2, "2"]);
      expect(await shapes(checked)).to.deep.equal([1, "1"]);
    });

    it("in another campaign it is not found, in an unknown one that is said", async () => {
      const other = await createCampaign(clients, { total: 1, codeFormat: "가가가가가가000#" });
      const elsewhere = await refusal(clients.campaigns.findIssuance({ campaignId: other.id, code }));
      expect(elsewhere.reason).to.equal("NO_COUPON");
      const nowhere = await refusal(
        clients.campaigns.findIssuance({ campaignId: "01JSTANDAB0000000000000000", code }),
      );
      expect(nowhere.reason).to.equal("UNKNOWN_CAMPAIGN");
      await untilState(clients, other.id, "OPEN");
    });

    it("what cannot be a code is refused, without an echo", async () => {
      for (const input of ["ABÇD", "가나다라1234567".repeat(3), "-"]) {
        const refused = await refusal(clients.campaigns.findIssuance({ code: input }));
        expect([refused.code, refused.reason]).to.deep.equal([Code.InvalidArgument, "INVALID"]);
        expect(refused.message).to.match(/^code: (is|has) /);
        if (input.length > 1) expect(refused.message).not.to.include(input);
      }
    });

    it("with a format without a check character in use, a code that does not fit is only unknown", async () => {
      await createOpenCampaign(clients, { total: 1 });
      const anywhere = await refusal(clients.campaigns.findIssuance({ code: mistype(code) }));
      expect(anywhere.reason).to.equal("NO_COUPON");
      const here = await refusal(
        clients.campaigns.findIssuance({ campaignId: checked, code: mistype(code) }),
      );
      expect(here.reason).to.equal("INVALID");
    });
  });

  describe("DescribeFormats", () => {
    it("has the figures of docs/codes.md, and counts what exists", async () => {
      const codeFormats = ["가가가가가가0000", "가가가가가가000#", "가가00"];
      const { formats, total } = await clients.campaigns.describeFormats({ codeFormats, total: 1_000 });
      expect(total).to.equal(1_000);
      expect(formats.map(({ codeFormat }) => codeFormat)).to.deep.equal(codeFormats);
      const [plain, check, small] = formats;
      expect(plain).to.include({
        combinations: "6863390289133290000",
        codes: "6341473654629534118",
        fits: true,
      });
      expect(check).to.include({ combinations: "686339028913329000", codes: "644403567498558962" });
      expect([plain?.hasCheckCharacter, check?.hasCheckCharacter]).to.deep.equal([false, true]);
      // A code of one format can be a code of the other, so each counts the codes of both.
      const ofBoth = (await stores.db.collection("campaigns").find().toArray())
        .filter(({ codeFormat }) => codeFormats.slice(0, 2).includes(String(codeFormat)))
        .reduce((sum, campaign) => sum + Number(campaign["total"]), 0);
      expect(ofBoth).to.be.greaterThan(3);
      expect([plain?.existing, check?.existing, small?.existing]).to.deep.equal([
        BigInt(ofBoth),
        BigInt(ofBoth),
        0n,
      ]);
      expect(plain?.guessOdds).to.be.closeTo((1_000 + ofBoth) / 6.341473654629534e18, 1e-20);
      expect(small).to.include({ fits: false, room: "8" });
      expect(small?.whyNot).to.include("8,820,900 codes");
      expect(small?.guessOdds).to.be.closeTo(1_000 / 8_613_710, 1e-9);
      expect(small?.expectedCollisions).to.be.closeTo((1_000 * 999) / 2 / 8_613_710, 1e-9);
      expect(small?.collisionOdds).to.be.closeTo(1 - Math.exp(-(1_000 * 999) / 2 / 8_613_710), 1e-9);
    });

    it("agrees with CreateCampaign on what fits", async () => {
      for (const [codeFormat, total, fits] of [
        ["가0가0", 9, false],
        ["가0가0#", 9, false],
        ["가0가0", 8, true],
        ["0가0가#", 8, true],
      ] as const) {
        const { formats } = await clients.campaigns.describeFormats({ codeFormats: [codeFormat], total });
        const made = await createCampaign(clients, { total, codeFormat }).then(
          () => true,
          () => false,
        );
        expect([formats[0]?.fits, made], `${codeFormat} for ${total}`).to.deep.equal([fits, fits]);
      }
    });

    it("counts the codes of a format that can make the same ones", async () => {
      const roomOf = async (codeFormat: string): Promise<bigint> => {
        const { formats } = await clients.campaigns.describeFormats({ codeFormats: [codeFormat] });
        return BigInt(formats[0]?.room ?? "");
      };
      const patterns = ["000가0#", "000가00", "000가0가", "00가000"];
      const before = await Promise.all(patterns.map(roomOf));
      await createCampaign(clients, { total: 2, codeFormat: "000가0#" });
      const after = await Promise.all(patterns.map(roomOf));
      expect(before.map((room, i) => room - (after[i] ?? 0n))).to.deep.equal([2n, 2n, 2n, 0n]);
    });

    it("without patterns it shows a selection, with examples that are nobody's coupon", async () => {
      const { formats, total } = await clients.campaigns.describeFormats({});
      expect(total).to.equal(1_000);
      expect(formats.length).to.be.greaterThan(4);
      for (const { examples, codeFormat } of formats) {
        expect(examples, codeFormat).to.have.length(3);
        for (const example of examples) {
          const found = await refusal(clients.campaigns.findIssuance({ code: example }));
          expect(["NO_COUPON", "INVALID"]).to.include(found.reason);
          expect(await stores.db.collection("coupons").countDocuments({ _id: example as never })).to.equal(0);
        }
      }
    });

    it("refuses what it cannot reckon with, naming the field", async () => {
      const wrong: [field: string, request: { codeFormats?: string[]; total?: number }][] = [
        ["code_format", { codeFormats: ["AAAA-0000"] }],
        ["code_format", { codeFormats: ["가가0*0"] }],
        ["code_formats", { codeFormats: Array.from({ length: 21 }, () => "가가00") }],
        ["total", { total: -1 }],
        ["total", { total: 5_000_001 }],
      ];
      for (const [field, request] of wrong) {
        const refused = await refusal(clients.campaigns.describeFormats(request));
        expect([refused.code, refused.reason]).to.deep.equal([Code.InvalidArgument, "INVALID"]);
        expect(refused.message).to.match(new RegExp(`^${field}: `));
      }
    });
  });
});
