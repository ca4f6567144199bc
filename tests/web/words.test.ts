import { expect } from "chai";
import { en } from "../../web/console/i18n/en.ts";
import type { Entry } from "../../web/console/i18n/entry.ts";
import { ko } from "../../web/console/i18n/ko.ts";
import { sinksEn } from "../../web/console/i18n/sinks-en.ts";
import { sinksKo } from "../../web/console/i18n/sinks-ko.ts";
import { createWords, languageOf } from "../../web/console/i18n/words.ts";

/** 2026-12-24T11:00:00Z */
const INSTANT_MS = 1_798_110_000_000;

describe("the console's words", () => {
  it("have the same placeholders in both languages", () => {
    const english: Readonly<Record<string, Entry>> = { ...en, ...sinksEn };
    for (const [key, entry] of Object.entries({ ...ko, ...sinksKo }))
      expect(placeholdersOf(entry), key).to.deep.equal(placeholdersOf(english[key] ?? ""));
  });

  it("fill in numbers as the language writes them, and choose the plural", () => {
    const { t } = createWords("en");
    expect(t("campaign.issuedOf", { issued: 1_234, total: 5_000_000 })).to.equal("1,234 of 5,000,000 issued");
    expect(t("countdown.days", { count: 1, rest: "00:00:01" })).to.equal("1 day 00:00:01");
    expect(t("countdown.days", { count: 2, rest: "<b>{count}" })).to.equal("2 days <b>{count}");
    expect(createWords("ko").t("countdown.days", { count: 2, rest: "00:00:01" })).to.equal("2일 00:00:01");
  });

  it("keep a name apart from the sentence around it, whichever way it is written", () => {
    const { t } = createWords("en");
    expect(t("done.pause", { name: "Winter" })).to.equal("Winter is paused.");
    expect(t("done.pause", { name: "חורף" })).to.equal("\u2068חורף\u2069 is paused.");
    expect(t("done.pause", { name: "\u202e\u2069evil\u2066" })).to.equal("evil is paused.");
    expect(t("countdown.days", { count: 2, rest: "{count}" })).to.equal("2 days {count}");
  });

  it("write an instant with its zone's offset, and never round a share up to all", () => {
    const words = createWords("en");
    expect(words.instant(INSTANT_MS, "Asia/Seoul")).to.equal("Thu, 24 Dec 2026 20:00:00 GMT+9");
    expect(createWords("ko").instant(INSTANT_MS, "Asia/Seoul")).to.match(/2026년 12월 24일.*20:00:00 GMT\+9/);
    expect(words.percent(0.99999)).to.equal("99.9%");
    expect(words.percent(1)).to.equal("100%");
  });

  it("are in the first language of the browser that there is", () => {
    expect(languageOf(["fr-FR", "ko", "en"])).to.equal("ko");
    expect(languageOf(["EN-us", "ko"])).to.equal("en");
    expect(languageOf(["fr"])).to.equal("en");
  });
});

function placeholdersOf(entry: Entry): string[] {
  const text = typeof entry === "string" ? entry : `${entry.one} ${entry.other}`;
  return [...new Set([...text.matchAll(/\{\w+\}/g)].map(([name]) => name))].sort();
}
