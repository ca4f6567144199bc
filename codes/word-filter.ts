import { DRAWN, isDigitSymbol } from "./alphabet.ts";
import { BLOCKED_WORDS } from "./blocked-words.ts";

/**
 * Finds blocked words in one pass over a code. The same automaton runs twice: once over every symbol, once
 * without the digits, so that digits between syllables or letters do not hide a word. The code is blocked
 * when either run is.
 *
 * The automaton is that of Aho and Corasick (Communications of the ACM 18(6), 1975), with every blocked state
 * merged into one that is never left. Its states are explicit, so countCodes can count over them.
 */
export type WordFilter = {
  /** How many states there are, the blocked one included. States are 0 (the start) up to this. */
  readonly stateCount: number;
  /** The state after a blocked word; no symbol leads out of it. */
  readonly blockedState: number;
  /** The state after `symbol` (an index of DRAWN) is read in `state`. */
  readonly next: (state: number, symbol: number) => number;
};

type Node = { readonly children: Map<number, number>; failure: number; blocked: boolean };

/** The first symbol of a character: a digit has two. */
const SYMBOL_OF: ReadonlyMap<string, number> = new Map(
  DRAWN.map((character, symbol) => [character, symbol] as const).reverse(),
);

/** By symbol: the first one of the same character, in which the words are spelled. */
const SPELLED: readonly number[] = DRAWN.map((character, symbol) => SYMBOL_OF.get(character) ?? symbol);

/**
 * Builds a filter.
 *
 * @param words NFC words; one with a character that is not in DRAWN can never occur in a code and is passed
 * over
 * @throws RangeError for an empty word (it would block everything)
 */
export function createWordFilter(words: readonly string[]): WordFilter {
  const nodes = linkFailures(growTrie(words));
  const blockedState = nodes.length;
  const width = DRAWN.length;
  const table = new Uint16Array((nodes.length + 1) * width).fill(blockedState);
  // Breadth first: a failure link always points to a node whose row is complete.
  for (const state of breadthFirst(nodes)) {
    const node = nodes[state];
    if (node === undefined || node.blocked) continue;
    for (let symbol = 0; symbol < width; symbol += 1) {
      const child = node.children.get(SPELLED[symbol] ?? symbol);
      const inherited = state === 0 ? 0 : (table[node.failure * width + symbol] ?? blockedState);
      const target = child ?? inherited;
      table[state * width + symbol] = nodes[target]?.blocked === false ? target : blockedState;
    }
  }
  return {
    stateCount: nodes.length + 1,
    blockedState,
    next: (state, symbol) => table[state * width + symbol] ?? blockedState,
  };
}

function growTrie(words: readonly string[]): Node[] {
  const newNode = (): Node => ({ children: new Map(), failure: 0, blocked: false });
  const nodes: Node[] = [newNode()];
  for (const word of words) {
    if (word === "") throw new RangeError("a blocked word is empty");
    const symbols = [...word].map((character) => SYMBOL_OF.get(character));
    if (!symbols.every((symbol) => symbol !== undefined)) continue;
    let state = 0;
    for (const symbol of symbols) {
      const children = nodes[state]?.children;
      const known = children?.get(symbol);
      if (known === undefined) children?.set(symbol, nodes.push(newNode()) - 1);
      state = known ?? nodes.length - 1;
    }
    const last = nodes[state];
    if (last !== undefined) last.blocked = true;
  }
  return nodes;
}

function linkFailures(nodes: Node[]): Node[] {
  for (const state of breadthFirst(nodes)) {
    const node = nodes[state];
    if (node === undefined) continue;
    // A word that ends inside a longer one blocks it as well.
    if (nodes[node.failure]?.blocked === true) node.blocked = true;
    for (const [symbol, child] of node.children) {
      const childNode = nodes[child];
      if (childNode === undefined || state === 0) continue;
      let failure = node.failure;
      while (failure !== 0 && nodes[failure]?.children.has(symbol) === false) {
        failure = nodes[failure]?.failure ?? 0;
      }
      childNode.failure = nodes[failure]?.children.get(symbol) ?? 0;
    }
  }
  return nodes;
}

function breadthFirst(nodes: readonly Node[]): readonly number[] {
  const order = [0];
  for (const state of order) order.push(...(nodes[state]?.children.values() ?? []));
  return order;
}

/**
 * The state of both runs after a text, such as the prefix of a format; a blocked word in it does not count.
 */
export function stateAfter(text: string, filter: WordFilter): { whole: number; lettersOnly: number } {
  let whole = 0;
  let lettersOnly = 0;
  for (const character of text) {
    const symbol = SYMBOL_OF.get(character);
    whole = symbol === undefined ? 0 : filter.next(whole, symbol);
    if (symbol === undefined) lettersOnly = 0;
    else if (!isDigitSymbol(symbol)) lettersOnly = filter.next(lettersOnly, symbol);
    if (whole === filter.blockedState) whole = 0;
    if (lettersOnly === filter.blockedState) lettersOnly = 0;
  }
  return { whole, lettersOnly };
}

/** The filter for all codes that are made. */
export const blockedWordFilter: WordFilter = createWordFilter(BLOCKED_WORDS);

/**
 * Whether a text contains a word the filter blocks, as written or with its digits taken out. A character
 * outside DRAWN belongs to no spellable word and separates its neighbours.
 *
 * @param text NFC; any length
 */
export function containsBlockedWord(text: string, filter: WordFilter = blockedWordFilter): boolean {
  let whole = 0;
  let syllables = 0;
  for (const character of text) {
    const symbol = SYMBOL_OF.get(character);
    whole = symbol === undefined ? 0 : filter.next(whole, symbol);
    if (symbol === undefined) syllables = 0;
    else if (!isDigitSymbol(symbol)) syllables = filter.next(syllables, symbol);
    if (whole === filter.blockedState || syllables === filter.blockedState) return true;
  }
  return false;
}
