import { counted } from "../runtime/counting.ts";
import type { Check, Facts } from "./facts.ts";
import { isSettled } from "./facts.ts";
import type { Issuance } from "./snapshot.ts";
import { createTable } from "./table.ts";
import { type Findings, tellUnusable } from "./verdict.ts";

/**
 * U1: no code has two owners in issuances, answers and claims hash taken together; no code is in two places.
 */
export function checkOneOwner(facts: Facts, findings: Findings): Check {
  const { register } = facts;
  return {
    code(slot) {
      const name = register.nameCode(slot);
      const contested = register.has(slot, "contested");
      if (contested) findings.violation("contested", name, " belongs to more than one claim key");
      else if (register.has(slot, "issuedAgain"))
        findings.violation(
          "issued again",
          name,
          ` is recorded twice for ${register.nameKey(register.holder.get(slot))}`,
        );
      const { pool } = facts;
      if (pool === undefined || !register.has(slot, "pooled")) return;
      if (pool.unusable !== undefined) tellUnusable(findings, pool.unusable);
      else if (register.has(slot, "pooledAgain"))
        findings.violation("pooled again", name, " is in the pool twice");
      else if (register.has(slot, "issued")) {
        if (isSettled(pool, register.generation.get(slot), register.seq.get(slot)))
          findings.violation("pooled and issued", name, " is in the pool and issued");
      }
    },
    key(slot) {
      const { pool } = facts;
      const { bound } = register;
      const code = bound.code.get(slot);
      if (pool === undefined || pool.unusable !== undefined || code === -1) return;
      const twoPlaces = register.has(code, "pooled") && !register.has(code, "pooledAgain");
      if (twoPlaces && !register.has(code, "issued"))
        if (isSettled(pool, bound.generation.get(slot), bound.seq.get(slot)))
          findings.violation(
            "pooled and bound",
            register.nameCode(code),
            " is in the pool and bound to a key",
          );
    },
    verdict() {
      const pooled = facts.pool?.pooled ?? 0;
      return findings.verdict(
        facts.issued + pooled,
        `${counted(facts.issued, "issued code")}${facts.pool === undefined ? "" : `, ${pooled} in the pool`}`,
      );
    },
  };
}

/**
 * U2: the first answer of every key has an issuance with the same key, seq and instant. A code whose issuance
 * has another key violates U1, an answer that differs from the key's first violates U4: each damage has one
 * name.
 */
export function checkAcknowledged({ register, answers }: Facts, findings: Findings): Check {
  const { first } = answers;
  let acknowledged = 0;
  return {
    key(slot) {
      const code = first.code.get(slot);
      if (code === -1) return;
      acknowledged += 1;
      const name = register.nameCode(code);
      const who = ` of ${register.nameKey(slot)}`;
      const generation = register.generation.get(code);
      const offMs = first.atMs.get(slot) - register.atMs.get(code);
      if (!register.has(code, "issued"))
        findings.violation("not recorded", name, `${who} was acknowledged and is not recorded`);
      else if (register.holder.get(code) !== slot) return;
      else if (register.seq.get(code) !== first.seq.get(slot))
        findings.violation(
          "another seq",
          name,
          `${who}: answered with seq ${first.seq.get(slot)}, recorded with ${register.seq.get(code)}`,
        );
      else if (offMs !== 0)
        findings.violation(
          "another instant",
          name,
          `${who}: the instant answered is ${offMs} ms off the record`,
        );
      else if (first.generation.get(slot) !== -1 && first.generation.get(slot) !== generation)
        findings.violation(
          "another generation",
          name,
          `${who}: answered with generation ${first.generation.get(slot)}, recorded with ${generation}`,
        );
    },
    verdict: () => findings.verdict(acknowledged, `${counted(acknowledged, "acknowledged coupon")}`),
  };
}

/** Between the user and the request in a claim key; no user id and no request id has it. */
const SEPARATOR = "\u001f";

/**
 * U4: all answers of a key carry the same code, seq and instant, and the record holds one coupon a key; where
 * a user may have several, no more than so many a user.
 */
export function checkSameCoupon({ campaign, register, answers }: Facts, findings: Findings): Check {
  const { codes } = register;
  const { maxPerUser } = campaign;
  const users = createTable(maxPerUser === undefined ? 0 : campaign.total);
  const couponsOf = users.int32(0);

  function countUser(code: number, { claimKey }: Issuance, most: number): void {
    const slot = users.slotOf(claimKey.slice(0, Math.max(0, claimKey.indexOf(SEPARATOR))));
    const count = couponsOf.get(slot) + 1;
    couponsOf.set(slot, count);
    if (count <= most) return;
    const who = `user#${users.fingerprint(slot, 8)}`;
    const words = ` is coupon ${count} of ${who}, and the campaign gives each user ${most}`;
    findings.violation("too many of a user", register.nameCode(code), words);
  }

  const { first } = answers;
  let holders = 0;
  let withAnswers = 0;
  let told = 0;
  return {
    issued(code, key, heldBefore, issuance) {
      if (maxPerUser !== undefined) countUser(code, issuance, maxPerUser);
      if (heldBefore === -1) holders += 1;
      else if (heldBefore !== code)
        findings.violation(
          "second coupon",
          register.nameCode(code),
          ` is the second coupon of ${register.nameKey(key)}, beside ${register.nameCode(heldBefore).name}`,
        );
    },
    entry({ outcome }, key) {
      if (outcome.kind !== "issued") return;
      told += 1;
      const who = register.nameKey(key);
      const offMs = outcome.issuedAtMs - first.atMs.get(key);
      const code = codes.find(outcome.code);
      if (code !== first.code.get(key)) {
        const [one, other] = [register.nameCode(first.code.get(key)), register.nameCode(code)];
        findings.violation("told another code", one, ` was given to ${who}, then ${other.name}`);
      } else if (outcome.seq !== first.seq.get(key))
        findings.violation(
          "told another seq",
          who,
          ` was told seq ${first.seq.get(key)}, then ${outcome.seq}`,
        );
      else if (offMs !== 0)
        findings.violation("told another instant", who, ` was told two instants, ${offMs} ms apart`);
    },
    key(slot) {
      if (first.code.get(slot) !== -1) withAnswers += 1;
    },
    verdict: () =>
      findings.verdict(
        told - withAnswers + holders,
        told === 0
          ? `${counted(holders, "key")} on record`
          : `${counted(told - withAnswers, "repeated answer")}, ${counted(holders, "key")} on record`,
      ),
  };
}
