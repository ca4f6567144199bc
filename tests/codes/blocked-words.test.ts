import { expect } from "chai";
import fc from "fast-check";
import { DIGITS, SYLLABLES, SYMBOLS } from "../../codes/alphabet.ts";
import { BLOCKED_WORD_GROUPS, BLOCKED_WORDS } from "../../codes/blocked-words.ts";
import { DEFAULT_CODE_FORMAT } from "../../codes/code-format.ts";
import { createCodeMaker } from "../../codes/code-maker.ts";
import { containsBlockedWord, createWordFilter } from "../../codes/word-filter.ts";
import { scriptedRandom, seededRandom } from "../support/seeded-random.ts";
import { drawsOf, formatOf, hasBlockedWord } from "./reference.ts";

const SEED = 20_251_121;
const symbols = new Set(SYMBOLS);
const spellable = BLOCKED_WORDS.filter((word) => [...word].every((character) => symbols.has(character)));
const noWords = createWordFilter([]);

const syllable = fc.constantFrom(...SYLLABLES);
const digit = fc.constantFrom(...DIGITS);
const anyCode = fc
  .array(fc.oneof(syllable, digit), { minLength: 4, maxLength: 10 })
  .map((characters) => characters.join(""))
  .filter((code) => /[0-9]/.test(code) && /[가-힣]/.test(code));
const patternOf = (code: string) => code.replace(/[가-힣]/g, "가").replace(/[0-9]/g, "0");

describe("blocked words", () => {
  it("are NFC syllables, capital letters and ASCII digits, without repeats, each group with a reason", () => {
    const all = BLOCKED_WORD_GROUPS.flatMap((group) => group.words);
    for (const word of all)
      expect(word)
        .to.match(/^([가-힣0-9]+|[A-Z]+)$/u)
        .and.to.equal(word.normalize("NFC"));
    expect(all.length - new Set(all).size).to.equal(0);
    expect(spellable.length).to.be.greaterThan(200);
  });

  it("cover common curses, either by word or by a syllable that the alphabet lacks", () => {
    const curses =
      "씨발 시발 씨팔 시팔 병신 빙신 등신 지랄 새끼 개새끼 좆 존나 조까 씹 보지 자지 니미 느금마 미친놈 창녀 강간 자살 염병 멍청이 바보 썅년 니거 칭총 십팔 18 시8 시1발 미0친 4기";
    for (const curse of curses.split(" ")) {
      const unspellable = [...curse].some((character) => !symbols.has(character));
      expect(unspellable || containsBlockedWord(curse), curse).to.equal(true);
    }
  });

  it("are found alone, at every join with neighbours, and with digits put between", () => {
    for (const word of spellable) {
      expect(containsBlockedWord(word), word).to.equal(true);
      expect(containsBlockedWord(`토${word}컬`), word).to.equal(true);
      expect(containsBlockedWord(`토토${word}00`), word).to.equal(true);
      if (/^[가-힣]+$/.test(word)) expect(containsBlockedWord([...word].join("00")), word).to.equal(true);
    }
  });

  it("are found exactly where a naive search finds them (property)", () => {
    let hits = 0;
    fc.assert(
      fc.property(
        anyCode,
        fc.constantFrom(...spellable),
        fc.nat(9),
        fc.boolean(),
        (code, word, at, plant) => {
          const text = plant ? code.slice(0, at) + word + code.slice(at) : code;
          const expected = hasBlockedWord(text);
          if (expected) hits += 1;
          expect(containsBlockedWord(text)).to.equal(expected);
        },
      ),
      { seed: SEED, numRuns: 5000 },
    );
    expect(hits).to.be.within(1000, 4900);
  });

  for (const pattern of ["가가가가가가0000", "가0가0가0가0가0", "00가가가가00가0"]) {
    it(`are in none of 200,000 codes of ${pattern}, though raw draws of the same kind have thousands (seed ${SEED})`, () => {
      const format = formatOf(pattern);
      const make = createCodeMaker(format, seededRandom(SEED));
      const makeRaw = createCodeMaker(format, seededRandom(SEED), noWords);
      let raw = 0;
      for (let made = 0; made < 200_000; made += 1) {
        if (hasBlockedWord(makeRaw())) raw += 1;
        if (hasBlockedWord(make())) expect.fail("a made code has a blocked word");
      }
      expect(raw).to.be.greaterThan(3000);
    });
  }

  it("make the code be made again: whole, from the next draws (property over every word and position)", () => {
    fc.assert(
      fc.property(fc.constantFrom(...spellable), anyCode, anyCode, fc.nat(9), (word, host, filler, at) => {
        const planted = (host.slice(0, at) + word + host.slice(at)).slice(0, 10);
        fc.pre(hasBlockedWord(planted) && /[0-9]/.test(planted) && /[가-힣]/.test(planted));
        const pattern = patternOf(planted);
        const pool = { 가: filler.replace(/[0-9]/g, ""), "0": filler.replace(/[가-힣]/g, "") };
        const clean = [...pattern]
          .map((kind, i) =>
            kind === "가" ? pool["가"][i % pool["가"].length] : pool["0"][i % pool["0"].length],
          )
          .join("");
        fc.pre(!hasBlockedWord(clean));
        const { random, drawn } = scriptedRandom([
          ...drawsOf(planted),
          ...drawsOf(planted),
          ...drawsOf(clean),
        ]);
        expect(createCodeMaker(formatOf(pattern), random)()).to.equal(clean);
        expect(drawn()).to.equal(planted.length * 3);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it("end in an error, without the code, when nothing else ever comes", () => {
    const draws = drawsOf("보지가가가가0000");
    let used = 0;
    const random = () => draws[used++ % draws.length] ?? 0;
    expect(() => createCodeMaker(DEFAULT_CODE_FORMAT, random)())
      .to.throw(Error, /128 codes of format 가가가가가가0000 in a row/)
      .with.property("message")
      .that.does.not.include("보지");
    expect(used).to.equal(1280);
  });

  it("refuse an empty word, and pass over one that cannot be spelled", () => {
    expect(() => createWordFilter([""])).to.throw(RangeError);
    expect(createWordFilter(["씨발"]).stateCount).to.equal(createWordFilter([]).stateCount);
    expect(containsBlockedWord("나비다", createWordFilter(["비다"]))).to.equal(true);
    expect(containsBlockedWord("나비a다", createWordFilter(["비다"]))).to.equal(false);
    expect(containsBlockedWord("나비다나비", createWordFilter(["비다나도", "다나비"]))).to.equal(true);
  });
});
