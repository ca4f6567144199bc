import { expect } from "chai";
import {
  composeSyllable,
  DIGITS,
  FINALS,
  FIRST_DIGIT_SYMBOL,
  INITIALS,
  LEFT_OUT,
  SYLLABLES,
  SYMBOLS,
  VOWELS,
} from "../../codes/alphabet.ts";
import { BLOCKED_WORDS } from "../../codes/blocked-words.ts";

/** Canonical decomposition: conjoining jamo, taken from the platform's NFD, not from our formula. */
const decompose = (syllable: string) => [...syllable.normalize("NFD")];
const conjoining = (parts: readonly string[], base: number, order: string) =>
  new Set(
    parts.filter((part) => part !== "").map((part) => String.fromCodePoint(base + order.indexOf(part))),
  );

const allowedInitials = conjoining(INITIALS, 0x1100, "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ");
const allowedVowels = conjoining(VOWELS, 0x1161, "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ");
const allowedFinals = conjoining(FINALS, 0x11a8, "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ");

describe("alphabet", () => {
  it("has 297 syllables, between 200 and 600, and ten digits, with no repeats", () => {
    expect(SYLLABLES).to.have.length(297);
    expect(SYLLABLES.length).to.be.within(200, 600);
    expect(DIGITS.join("")).to.equal("0123456789");
    expect(new Set(SYMBOLS).size).to.equal(307);
    expect(FIRST_DIGIT_SYMBOL).to.equal(297);
    expect([...SYLLABLES].sort()).to.deep.equal([...SYLLABLES]);
  });

  it("has only composed syllables: one code point in U+AC00..U+D7A3, stable under NFC", () => {
    for (const syllable of SYLLABLES) {
      expect([...syllable]).to.have.length(1);
      expect(syllable.codePointAt(0)).to.be.within(0xac00, 0xd7a3);
      expect(syllable.normalize("NFC")).to.equal(syllable);
      expect(syllable.normalize("NFD").normalize("NFC")).to.equal(syllable);
    }
  });

  it("decomposes into allowed initials, vowels and finals only", () => {
    for (const syllable of SYLLABLES) {
      const [initial, vowel, final] = decompose(syllable);
      expect(allowedInitials.has(initial ?? ""), syllable).to.equal(true);
      expect(allowedVowels.has(vowel ?? ""), syllable).to.equal(true);
      expect(final === undefined || allowedFinals.has(final), syllable).to.equal(true);
    }
  });

  it("has no tense consonant, no silent or fading initial, no complex or stop final", () => {
    const seen = new Set(SYLLABLES.flatMap(decompose));
    for (const jamo of "\u1101\u1104\u1108\u110a\u110d\u1105\u110b\u1112")
      expect(seen.has(jamo)).to.equal(false);
    for (let final = 0x11a8; final <= 0x11c2; final += 1) {
      const sonorant = [0x11ab, 0x11af, 0x11b7, 0x11bc].includes(final);
      expect(seen.has(String.fromCodePoint(final)), final.toString(16)).to.equal(sonorant);
    }
  });

  it("keeps at most one vowel of each group that sounds alike", () => {
    const vowels = new Set(SYLLABLES.map((syllable) => decompose(syllable)[1]));
    for (const group of ["\u1162\u1166", "\u1164\u1168", "\u116b\u116c\u1170", "\u1174\u1175"]) {
      expect([...group].filter((vowel) => vowels.has(vowel)).length).to.be.at.most(1);
    }
  });

  it("is inside KS X 1001, so that an EUC-KR text message carries it in two bytes", () => {
    const decoder = new TextDecoder("euc-kr");
    const legacy = new Set<string>();
    for (let lead = 0xb0; lead <= 0xc8; lead += 1) {
      for (let trail = 0xa1; trail <= 0xfe; trail += 1)
        legacy.add(decoder.decode(Uint8Array.of(lead, trail)));
    }
    expect(legacy.size).to.equal(2350);
    expect(SYLLABLES.filter((syllable) => !legacy.has(syllable))).to.deep.equal([]);
  });

  it("has no syllable that is a digit when read aloud, and none that is a blocked word alone", () => {
    for (const name of "영공일이삼사오육륙칠팔구둘셋넷") expect(SYLLABLES).not.to.include(name);
    expect(SYLLABLES.filter((syllable) => BLOCKED_WORDS.includes(syllable))).to.deep.equal([]);
  });

  it("leaves out only what it could have composed, each once, with a reason", () => {
    const leftOut = LEFT_OUT.flatMap((group) => [...group.syllables]);
    expect(new Set(leftOut).size).to.equal(leftOut.length);
    expect(INITIALS.length * VOWELS.length * FINALS.length - leftOut.length).to.equal(SYLLABLES.length);
    expect(LEFT_OUT.filter((group) => group.why === "")).to.deep.equal([]);
  });

  it("composes by the Unicode formula and refuses what is no jamo", () => {
    expect(composeSyllable("ㄱ", "ㅏ", "")).to.equal("가");
    expect(composeSyllable("ㅎ", "ㅣ", "ㅎ")).to.equal("힣");
    // The worked example of The Unicode Standard, section 3.12: U+D4DB.
    expect(composeSyllable("ㅍ", "ㅟ", "ㅀ")).to.equal("\ud4db");
    for (const [l, v, t] of [
      ["ㅏ", "ㅏ", ""],
      ["ㄱ", "ㄱ", ""],
      ["ㄱ", "ㅏ", "ㄸ"],
      ["", "ㅏ", ""],
      ["ㄱㄲ", "ㅏ", ""],
    ] as const) {
      expect(() => composeSyllable(l, v, t)).to.throw(RangeError);
    }
  });
});
