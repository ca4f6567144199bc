import { grouped, holds, instant, note } from "./finding.mjs";
import { otherNotes } from "./given.mjs";

/**
 * What a certificate that holds shows.
 *
 * @param {import("./certificate.mjs").Head} head
 * @param {{ entries: number, left: number, firstMs: number, lastMs: number }} counts
 * @param {import("./given.mjs").Given} given
 * @returns {import("./finding.mjs").Finding[]}
 */
export function told(head, { entries, left, firstMs, lastMs }, given) {
  const late = head.latenessMs === null ? "" : `, ${grouped(head.latenessMs)} ms after the start`;
  const findings = [
    holds(`signed with the key ${head.publicKey}`),
    holds(
      `${grouped(entries)} of ${grouped(head.total)} coupons were issued, in this order, each to a key of its own; the last at ${instant(entries === 0 ? null : lastMs)}`,
    ),
    holds(
      `it opened at ${instant(head.openedAtMs)}${late}; none was issued before the start or after the end`,
    ),
  ];
  const [commitment] = head.commitments;
  if (commitment === undefined) findings.push(note("no commitment to the codes was made"));
  else {
    const isBefore = commitment.madeAtMs < Math.min(head.openedAtMs ?? firstMs, firstMs);
    findings.push(
      holds(
        `every one of the ${grouped(head.committed)} codes that were committed to is in it once: ${grouped(entries)} issued, ${grouped(left)} not; no other`,
      ),
    );
    const when = `the first commitment is dated ${instant(commitment.madeAtMs)}`;
    findings.push(isBefore ? holds(`${when}, before it opened`) : note(`${when}, after it opened`));
    for (const { number, size, madeAtMs } of head.commitments.slice(1))
      findings.push(note(`commitment ${number}: ${grouped(size)} codes were added at ${instant(madeAtMs)}`));
    findings.push(
      given.commitment === undefined
        ? note(
            "not compared with a commitment that was saved before the start: give one to exclude that both were made afterwards",
          )
        : holds("it has the commitment that was saved"),
    );
  }
  return [...findings, ...otherNotes(given, head.publicKey, ["code", "user", "request", "certificate"])];
}
