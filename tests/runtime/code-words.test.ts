import { expect } from "chai";
import { parseCodeFormat } from "../../codes/code-format.ts";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { newCampaignId, newRehearsalId } from "../../record/campaign-id.ts";
import { hideCodes } from "../../runtime/code-words.ts";
import { seededRandom } from "../support/seeded-random.ts";

const SEED = 299_792;

function made(pattern: string, count: number): string[] {
  const parsed = parseCodeFormat(pattern);
  if (!parsed.ok) throw new Error(parsed.message);
  return Array.from({ length: count }, createCodeMaker(parsed.format, seededRandom(SEED)));
}

describe("codes in texts", () => {
  for (const pattern of [
    "가가가가가가0000",
    "가가가000#",
    "여름-가가가가0000",
    "########",
    "AAAAAA",
    "A0A0A0A0",
    "SUMMER-AAAA0000",
    "SUMMER-00000000",
    "OCTOBER25-######",
  ]) {
    it(`of ${pattern} are hidden, alone and in a sentence, with their hyphen too`, () => {
      const prefix = pattern.includes("-") ? pattern.slice(0, pattern.indexOf("-")) : "";
      for (const code of made(pattern, 500)) {
        for (const shown of [code, prefix === "" ? code : `${prefix}-${code.slice(prefix.length)}`]) {
          expect(hideCodes(shown, "·")).to.equal("·");
          expect(hideCodes(`code "${shown}", twice: ${shown}.`, "·")).to.equal('code "·", twice: ·.');
        }
      }
    });
  }

  it("are the only words that are hidden: ids, names of errors and settings, figures and times stay", () => {
    for (const text of [
      newCampaignId(Date.UTC(2026, 11, 24)),
      newRehearsalId(Date.UTC(2026, 11, 24)),
      "connect ECONNREFUSED 127.0.0.1:6379 (E11000, HTTP 503 over GRPC, TLS, DNS)",
      "MONGODB_URL and LIMIT_USER=20/10 at 2026-12-24T20:00:00.000Z, 1798110000000 ms, 4294967296",
      "NOAUTH WRONGPASS CROSSSLOT NEWERSHAPE SIGTERM SHA256 HS256 UNCERTAIN OVERLOADED",
      "0af7651916cd43dd8448eb211c80319c",
    ])
      expect(hideCodes(text, "·")).to.equal(text);
  });
});
