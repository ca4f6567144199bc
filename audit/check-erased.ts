import { counted } from "../runtime/counting.ts";
import type { Check, Facts } from "./facts.ts";
import { isErased } from "./pseudonyms.ts";
import type { Findings } from "./verdict.ts";

/** The second check of U4, of campaigns with erased users. */
export const ERASED_USERS = "erased users keep one coupon, and no id";

/**
 * U4, of erased users: the pool knows that there are some, so that it looks for their pseudonyms; none of
 * their issuances and claims has an id left; and, where the audit has the erasure key, none of them has a
 * second coupon under the id.
 */
export function checkErasedUsers(facts: Facts, findings: Findings): Check {
  const { campaign, register, pseudonymOf } = facts;
  const ofErased = new Set<number>();
  const knows = pseudonymOf !== undefined && campaign.erasure !== undefined;
  /** By pseudonym: the code of its issuance, and whether it has the pseudonym already. */
  const holders = new Map<string, { readonly code: number; readonly isErased: boolean }>();

  function compare(code: number, claimKey: string): void {
    const pseudonym = pseudonymOf?.(claimKey) ?? claimKey;
    const before = holders.get(pseudonym);
    const now = { code, isErased: isErased(claimKey) };
    if (before === undefined) holders.set(pseudonym, now);
    else if (before.code !== code && (before.isErased || now.isErased))
      findings.violation(
        "second coupon of an erased user",
        register.nameCode(code),
        ` is the second coupon of a user who was erased, beside ${register.nameCode(before.code).name}`,
      );
  }

  return {
    issued(code, key, _heldBefore, { claimKey, userId }) {
      if (knows) compare(code, claimKey);
      if (!isErased(claimKey)) return;
      ofErased.add(key);
      if (userId !== undefined && !isErased(userId))
        findings.violation("user id left", register.nameCode(code), " has a pseudonym beside a user id");
    },
    key(slot) {
      const { pool } = facts;
      const bound = register.bound.code.get(slot);
      if (pool === undefined || pool.unusable !== undefined || bound === -1) return;
      const holder = register.holder.get(bound);
      if (holder !== slot && ofErased.has(holder))
        findings.violation("id left in the pool", register.nameCode(bound), " is bound to an id in the pool");
    },
    verdict() {
      const { pool } = facts;
      const { erasure } = campaign;
      if (ofErased.size > 0 && erasure === undefined)
        findings.violation("not marked", "the campaign has erased users and no mark of it");
      const meta = pool?.unusable === undefined ? pool?.after.meta : undefined;
      if (erasure !== undefined && meta !== undefined && meta.erased !== erasure)
        findings.violation(
          "pool not marked",
          "the pool does not ask for pseudonyms: an erased user may get a second coupon",
        );
      return findings.verdict(ofErased.size, `${counted(ofErased.size, "key")} of erased users`);
    },
  };
}
