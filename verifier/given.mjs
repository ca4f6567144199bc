import { toBase64url } from "./bytes.mjs";
import { isSameCommitment, readCommitment } from "./commitment.mjs";
import { holds, note, refused } from "./finding.mjs";

/** What the reader knows from elsewhere, and what it says about a file. */

/**
 * `commitment`: lines of a commitment that was saved before the start. `certificate`: the file that a receipt
 * is compared with. `toleranceMs`: how far the clocks of the two may be apart.
 *
 * @typedef {{ publicKey?: string, code?: string, user?: string, request?: string,
 *   commitment?: readonly string[], certificate?: AsyncIterable<Uint8Array>, toleranceMs?: number }} Given
 */

/** @typedef {Awaited<ReturnType<typeof readCommitment>>} Saved */

/**
 * The commitment that the reader saved, signed with the same key.
 *
 * @param {Given} given
 * @param {import("./statement.mjs").Tools} tools
 * @param {string} publicKey
 */
export async function readSaved({ commitment: lines }, tools, publicKey) {
  return lines === undefined ? undefined : await readCommitment(lines, tools, publicKey);
}

/**
 * @param {Saved} saved
 * @param {string} campaign
 * @param {readonly import("./commitment.mjs").Commitment[]} commitments that the file has
 * @param {boolean} hasAll whether these are all of the campaign
 * @returns {import("./finding.mjs").Finding}
 */
export function comparison(saved, campaign, commitments, hasAll) {
  if (saved.campaign !== campaign)
    return refused("commitment", `the saved commitment is of the campaign ${saved.campaign}`);
  const same = commitments.find(({ number }) => number === saved.number);
  if (same === undefined && !hasAll)
    return note(`the saved commitment ${saved.number} is not that of this file: they were not compared`);
  return isSameCommitment(same, saved)
    ? holds("it has the commitment that was saved")
    : refused(
        "commitment",
        `the file has another commitment ${saved.number} than the one that was saved (${toBase64url(saved.root)})`,
      );
}

/**
 * What else is to know: whose key it is, and what was given and is of no use for this kind of file.
 *
 * @param {Given} given
 * @param {string} publicKey that signed the file
 * @param {readonly (keyof Given)[]} useless
 */
export function otherNotes(given, publicKey, useless) {
  const unused = useless.filter((name) => given[name] !== undefined);
  return [
    ...(given.publicKey === undefined
      ? [
          note(
            `the file cannot show whose key ${publicKey} is: compare it with the one that the operator published`,
          ),
        ]
      : []),
    ...unused.map((name) =>
      note(`the ${name} that was given says nothing about this kind of file: not used`),
    ),
  ];
}
