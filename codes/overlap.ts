import { DRAWN, SYMBOLS } from "./alphabet.ts";
import { type CodeFormat, parseCodeFormat } from "./code-format.ts";

/**
 * Of these patterns, those whose codes can be equal to a code of the format: they are as long, and at every
 * position there is a character that both can have. A check character can be any syllable or digit, so
 * 가가00# can make a code of 가가000; BC-AAAA one of AAAAAA. What is no pattern overlaps nothing.
 */
export function overlappingPatterns(format: CodeFormat, patterns: readonly string[]): string[] {
  const own = positionsOf(format);
  return patterns.filter((pattern) => {
    if (pattern === format.pattern) return true;
    const parsed = parseCodeFormat(pattern);
    if (!parsed.ok || parsed.format.length !== format.length) return false;
    const others = positionsOf(parsed.format);
    return own.every((position, i) => meet(position, others[i] ?? ""));
  });
}

/** For each position, the characters that it can have. */
function positionsOf({ prefix, slots, check }: CodeFormat): string[] {
  const drawn = slots.map(({ firstSymbol, size }) => charactersOf(firstSymbol, size));
  return [...prefix, ...drawn, ...(check ? [charactersOf(0, SYMBOLS.length)] : [])];
}

const known = new Map<number, string>();

function charactersOf(firstSymbol: number, size: number): string {
  const key = firstSymbol * DRAWN.length + size;
  const characters = known.get(key) ?? DRAWN.slice(firstSymbol, firstSymbol + size).join("");
  known.set(key, characters);
  return characters;
}

function meet(one: string, other: string): boolean {
  if (one === other) return true;
  const [few, many] = one.length < other.length ? [one, other] : [other, one];
  return [...few].some((character) => many.includes(character));
}

/** How many codes, of the totals by pattern, a code of the format can be equal to. */
export function codesLike(format: CodeFormat, totals: ReadonlyMap<string, number>): number {
  return overlappingPatterns(format, [...totals.keys()]).reduce(
    (sum, pattern) => sum + (totals.get(pattern) ?? 0),
    0,
  );
}

/** The same for a pattern; 0 where it is none. */
export function codesLikePattern(pattern: string, totals: ReadonlyMap<string, number>): number {
  const parsed = parseCodeFormat(pattern);
  return parsed.ok ? codesLike(parsed.format, totals) : 0;
}
