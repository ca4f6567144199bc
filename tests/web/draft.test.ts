import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ClaimAuth } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CreateCampaignRequestSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { validNewCampaign } from "../../server/rpc/validation.ts";
import { type Draft, emptyDraft, hasStartPassed, judgeDraft } from "../../web/console/create/draft.ts";
import { createWords } from "../../web/console/i18n/words.ts";

const NOW_MS = Date.parse("2026-03-01T00:00:00Z");
const words = createWords("en");
const at = (text: string) => ({ text, fold: undefined });

/** A draft that is right. */
const RIGHT: Draft = {
  ...emptyDraft("Europe/Berlin", ""),
  ...{ name: "Winter", total: "1,000", start: at("2026-12-24T20:00:00") },
};

/** Each has one wrong value, in the field. */
const WRONG: readonly (readonly [field: string, change: Partial<Draft>])[] = [
  ["name", { name: "" }],
  ["name", { name: "\u200b \u3164" }],
  ["name", { name: "a\u0007b" }],
  ["name", { name: "가".repeat(201) }],
  ["total", { total: "0" }],
  ["total", { total: "5,000,001" }],
  ["starts_at", { start: at("1969-12-31T23:00:00") }],
  ["starts_at", { start: at("2031-03-01T02:00:00") }],
  ["ends_at", { hasEnd: true, end: at("2026-12-24T20:00:00") }],
  ["ends_at", { hasEnd: true, end: at("2026-02-28T20:00:00") }],
  ["code_format", { codeFormat: "가0" }],
  ["code_format", { codeFormat: "가가B0" }],
  ["code_format", { codeFormat: "AAAA-0000" }],
  ["code_format", { codeFormat: "SUMMER-A0A-0" }],
  ["code_format", { codeFormat: "0".repeat(33) }],
  ["metadata", { metadata: "channel" }],
  ["metadata", { metadata: "channel=" }],
  ["metadata", { metadata: "Channel=app" }],
  ["metadata", { metadata: "a=1\nb=2\na=3" }],
  ["metadata", { metadata: `a=${"x".repeat(501)}` }],
  ["metadata", { metadata: Array.from({ length: 21 }, (_, i) => `k${i}=v`).join("\n") }],
  ["actor", { actor: "x".repeat(101) }],
];

describe("the console's form for a campaign", () => {
  it("makes the request that is meant, which the service's rules allow", () => {
    const drafts: Draft[] = [
      RIGHT,
      { ...RIGHT, name: "가".repeat(200), total: "5000000", claimAuth: ClaimAuth.TOKEN },
      { ...RIGHT, codeFormat: "가가가000#".normalize("NFD"), actor: "anna" },
      { ...RIGHT, hasEnd: true, end: at("2026-12-24T20:00:01") },
    ];
    for (const draft of drafts) {
      const { wanted, problems } = judgeDraft(draft, NOW_MS, words);
      expect(problems).to.deep.equal({});
      const judged = validNewCampaign(create(CreateCampaignRequestSchema, wanted), NOW_MS);
      expect(judged).to.have.property("ok", true);
      if (!judged.ok) continue;
      expect(judged.value.startsAtMs).to.equal(Date.parse("2026-12-24T19:00:00Z"));
      expect(judged.value.endsAtMs).to.equal(draft.hasEnd ? Date.parse("2026-12-24T19:00:01Z") : undefined);
    }
  });

  it("reads metadata line by line, as the service keeps it", () => {
    const metadata = " channel = app \n\ncost.center==4711=\n메모".replace("메모", "note=메모");
    const { wanted } = judgeDraft({ ...RIGHT, metadata }, NOW_MS, words);
    expect(wanted?.metadata).to.deep.equal({ channel: "app", "cost.center": "=4711=", note: "메모" });
    const judged = validNewCampaign(create(CreateCampaignRequestSchema, wanted), NOW_MS);
    expect(judged.ok && judged.value.metadata).to.deep.equal([
      ...["channel=app", "cost.center==4711=", "note=메모"],
    ]);
  });

  it("names the field of each wrong value", () => {
    for (const [field, change] of WRONG) {
      const { problems, wanted } = judgeDraft({ ...RIGHT, ...change }, NOW_MS, words);
      expect(Object.keys(problems), JSON.stringify(change)).to.deep.equal([field]);
      expect(wanted).to.equal(undefined);
    }
  });

  it("refuses a time that the clocks skip, and asks which one where they go back", () => {
    const skipped = judgeDraft({ ...RIGHT, start: at("2026-03-29T02:30:00") }, NOW_MS, words);
    expect(skipped.problems.starts_at).to.match(/never comes: the clocks of Europe\/Berlin skip it/);
    const twice = { ...RIGHT, start: at("2026-10-25T02:30:00") };
    expect(judgeDraft(twice, NOW_MS, words).problems.starts_at).to.match(/which of the two/);
    const startOf = (fold: "earlier" | "later") =>
      judgeDraft({ ...twice, start: { ...twice.start, fold } }, NOW_MS, words).wanted?.startsAt.seconds;
    expect(Number(startOf("later")) - Number(startOf("earlier"))).to.equal(3_600);
  });

  it("says of a start that it has passed, without refusing it", () => {
    const passed = (text: string, zone = "UTC") => hasStartPassed({ start: at(text), zone }, NOW_MS);
    expect(passed("2026-02-28T23:59:59")).to.equal(true);
    expect(passed("2026-03-01T00:00:01")).to.equal(false);
    expect(passed("2026-03-01T08:59:59", "Asia/Seoul")).to.equal(true);
    expect(passed("")).to.equal(false);
    const { problems, wanted } = judgeDraft({ ...RIGHT, start: at("2026-02-01T00:00:00") }, NOW_MS, words);
    expect([problems, wanted === undefined]).to.deep.equal([{}, false]);
  });
});
