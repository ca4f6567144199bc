import { counted } from "../runtime/counting.ts";
import type { Check, Facts, PoolFacts } from "./facts.ts";
import type { Findings } from "./verdict.ts";

/**
 * U10: a coupon whose answer had arrived before another was first asked for has the earlier place: the lower
 * seq of its generation, or an older generation (a pool of an older one must not give codes once a newer one
 * has). One sweep over the claims sorted by when they were asked for, with the highest place answered so far:
 * O(n log n). No place is given twice, and the pool's counter is not below any place on record, so that none
 * is given again.
 */
export function checkIssueOrder(facts: Facts, findings: Findings): Check {
  const { register } = facts;
  const { generation, seq } = register;
  let last = -1;
  /** The code with the highest recorded place that the pool would give again; -1: none. */
  let ahead = -1;
  return {
    issued(code, key) {
      const shared =
        last !== -1 &&
        last !== code &&
        generation.get(last) === generation.get(code) &&
        seq.get(last) === seq.get(code);
      if (shared)
        findings.violation(
          "shared",
          register.nameCode(code),
          ` of ${register.nameKey(key)} shares place ${generation.get(code)}-${seq.get(code)} with another`,
        );
      last = code;
    },
    code(slot) {
      if (!register.has(slot, "issued") || !isAhead(facts.pool, generation.get(slot), seq.get(slot))) return;
      if (ahead === -1 || seq.get(slot) > seq.get(ahead)) ahead = slot;
    },
    verdict() {
      if (ahead !== -1)
        findings.violation(
          "ahead",
          `the pool has given ${facts.pool?.after.seq} places and gives ${generation.get(ahead)}-${seq.get(ahead)} again`,
        );
      const { entries } = facts.answers.counts();
      const ordered = entries === 0 ? 0 : sweepClaims(facts, findings);
      return findings.verdict(
        entries === 0 ? facts.issued : ordered,
        entries === 0
          ? `${counted(facts.issued, "place")}, each given once`
          : `${counted(ordered, "claim")} asked for after another was answered`,
      );
    },
  };
}

/**
 * Whether a place on record is above the counter of this pool, which would give it again. The counter was
 * read after the record. A change of the campaign raises the generation of the pool, which goes on counting:
 * from its base on, all places are its own.
 */
function isAhead(pool: PoolFacts | undefined, generation: number, seq: number): boolean {
  const { meta, seq: last } = pool?.after ?? {};
  if (meta === undefined || last === undefined || pool?.unusable !== undefined) return false;
  return generation >= (meta.base ?? meta.generation) && generation <= meta.generation && seq > last;
}

function sweepClaims(facts: Facts, findings: Findings): number {
  const { register, answers } = facts;
  const { first, asked } = answers;
  const place = placesOf(facts);
  const claims: number[] = [];
  for (let key = 0; key < register.keys.size; key += 1) if (place.generation(key) > 0) claims.push(key);
  const byAnswer = Uint32Array.from(claims).sort((a, b) => first.order.get(a) - first.order.get(b));
  const byAsk = Uint32Array.from(claims).sort((a, b) => asked.get(a) - asked.get(b));
  const isBefore = (one: number, other: number) =>
    place.generation(one) < place.generation(other) ||
    (place.generation(one) === place.generation(other) && place.seq(one) < place.seq(other));

  let ordered = 0;
  let next = 0;
  let highest = -1;
  for (const claim of byAsk) {
    for (
      let done = byAnswer[next];
      done !== undefined && first.order.get(done) < asked.get(claim);
      done = byAnswer[next]
    ) {
      if (highest === -1 || isBefore(highest, done)) highest = done;
      next += 1;
    }
    if (highest === -1) continue;
    ordered += 1;
    if (!isBefore(highest, claim))
      findings.violation(
        "overtaken",
        register.nameKey(highest),
        ` had place ${place.words(highest)} before ${register.nameKey(claim)} asked and got ${place.words(claim)}`,
      );
  }
  return ordered;
}

/** By key: the place of its first answer in the issue order. Generation 0 or less: this check skips it. */
function placesOf({ register, answers }: Facts) {
  const { first } = answers;
  const generation = (key: number) => {
    const code = first.code.get(key);
    if (code === -1) return 0;
    // Recorded with generation 0: not from a pool but written by hand. -1: neither recorded nor in the
    // answer; U2 reports that.
    return register.has(code, "issued") ? register.generation.get(code) : first.generation.get(key);
  };
  const seq = (key: number) => first.seq.get(key);
  return { generation, seq, words: (key: number) => `${generation(key)}-${seq(key)}` };
}
