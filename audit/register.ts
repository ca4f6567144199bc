import type { Issuance } from "./snapshot.ts";
import { type Column, createTable, type Table } from "./table.ts";
import type { Named } from "./verdict.ts";

/** The facts about a code, one bit each. */
export const SEEN = {
  /** It is one of the campaign's codes. */
  made: 1,
  issued: 2,
  /** A second issuance for the same claim key. */
  issuedAgain: 4,
  pooled: 8,
  pooledAgain: 16,
  /** The claims hash binds it to a key. */
  bound: 32,
  /** More than one claim key has it, by issuances, claims hash and answers taken together. */
  contested: 64,
  /** A caller was given it. */
  told: 128,
} as const;

/** A coupon as the claims hash has it, or as a caller was given it. */
export type Told = {
  readonly code: Column;
  readonly generation: Column;
  readonly seq: Column;
  readonly atMs: Column;
};

/**
 * All that an audit keeps: some numbers for each code and each claim key. The stores' contents are added page
 * by page, in the order of the methods; about 100 MB a million coupons.
 */
export type Register = {
  readonly codes: Table;
  readonly keys: Table;
  /** By code: its place in the order in which codes were made, -1: not a code of the campaign. */
  readonly ordinal: Column;
  readonly seen: Column;
  /** By code: the claim key, place and instant of its issuance. Holder -1: no issuance. */
  readonly holder: Column;
  readonly generation: Column;
  readonly seq: Column;
  readonly atMs: Column;
  /** By key: the code of its issuance, -1: none. */
  readonly held: Column;
  /** By key: its entry in the claims hash; code -1: none. */
  readonly bound: Told;
  made(code: string, ordinal: number): void;
  pooled(code: string): void;
  /** False: the key had been bound already, and is now bound to this claim. */
  bind(claim: Issuance): boolean;
  issue(issuance: Issuance): { readonly code: number; readonly key: number };
  /** Notes that by the callers' records a claim key was given a code. */
  tell(code: number, key: number): void;
  /** Notes that a claim key has a code, by any of the records. */
  own(code: number, key: number): void;
  has(code: number, what: keyof typeof SEEN): boolean;
  /** The name by which a report may refer to the code of a slot. */
  nameCode(code: number): Named;
  nameKey(key: number): string;
};

export function createRegister(total: number): Register {
  const codes = createTable(total);
  const keys = createTable(total);
  const ordinal = codes.int32(-1);
  const seen = codes.uint8();
  const owner = codes.int32(-1);
  const holder = codes.int32(-1);
  const generation = codes.int32(0);
  const seq = codes.int32(0);
  const atMs = codes.float64(0);
  const held = keys.int32(-1);
  const bound: Told = {
    code: keys.int32(-1),
    generation: keys.int32(0),
    seq: keys.int32(0),
    atMs: keys.float64(0),
  };

  const has = (code: number, what: keyof typeof SEEN) => (seen.get(code) & SEEN[what]) !== 0;
  const see = (code: number, what: keyof typeof SEEN) => seen.set(code, seen.get(code) | SEEN[what]);

  function own(code: number, key: number): void {
    const first = owner.get(code);
    if (first === -1) owner.set(code, key);
    else if (first !== key) see(code, "contested");
  }

  return {
    ...{ codes, keys, ordinal, seen, holder, generation, seq, atMs, held, bound },
    ...{ own, has },
    tell(code, key) {
      see(code, "told");
      own(code, key);
    },
    made(code, place) {
      const slot = codes.slotOf(code);
      see(slot, "made");
      ordinal.set(slot, place);
    },
    pooled(code) {
      const slot = codes.slotOf(code);
      see(slot, has(slot, "pooled") ? "pooledAgain" : "pooled");
    },
    bind(claim) {
      const code = codes.slotOf(claim.code);
      const key = keys.slotOf(claim.claimKey);
      const isNew = bound.code.get(key) === -1;
      see(code, "bound");
      own(code, key);
      bound.code.set(key, code);
      bound.generation.set(key, claim.generation);
      bound.seq.set(key, claim.seq);
      bound.atMs.set(key, claim.issuedAtMs);
      return isNew;
    },
    issue(issuance) {
      const code = codes.slotOf(issuance.code);
      const key = keys.slotOf(issuance.claimKey);
      if (has(code, "issued") && holder.get(code) === key) see(code, "issuedAgain");
      see(code, "issued");
      own(code, key);
      holder.set(code, key);
      generation.set(code, issuance.generation);
      seq.set(code, issuance.seq);
      atMs.set(code, issuance.issuedAtMs);
      return { code, key };
    },
    nameCode(code) {
      const place = ordinal.get(code);
      const issued = has(code, "issued");
      return {
        name:
          place >= 0
            ? `coupon ${place}`
            : issued
              ? `the coupon issued as ${generation.get(code)}-${seq.get(code)}`
              : `code#${codes.fingerprint(code, 4)}`,
        ...(place >= 0 ? { ordinal: place } : {}),
        ...(issued ? { generation: generation.get(code), seq: seq.get(code) } : {}),
      };
    },
    nameKey: (key) => `key#${keys.fingerprint(key, 8)}`,
  };
}
