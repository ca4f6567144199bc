import { linesOf, toBase64url } from "./bytes.mjs";
import { CERTIFICATE, createCertificateCheck, readCertificateHead } from "./certificate.mjs";
import { COMMITMENT, readCommitment } from "./commitment.mjs";
import { holds, note } from "./finding.mjs";
import { comparison, otherNotes, readSaved } from "./given.mjs";
import { PROOF, readProof } from "./proof.mjs";
import { RECEIPT, readReceipt } from "./receipt.mjs";
import { Refused } from "./statement.mjs";

/** Checks one file, whichever of the four it is. It asks nobody: all that it needs is in the file. */

/** @typedef {import("./finding.mjs").Finding} Finding */
/** @typedef {import("./given.mjs").Given} Given */
/**
 * @typedef {{ kind: string, campaign?: string, publicKey?: string, ok: boolean,
 *   findings: Finding[] }} Verdict
 */

/** How many lines a file has. */
const LINES = { [PROOF]: [3, 5], [RECEIPT]: [2], [COMMITMENT]: [2] };
const SMALL_LINES_MAX = 5;

/** @param {number | null} ms */
const instant = (ms) => (ms === null ? "never" : new Date(ms).toISOString());

/** @param {number} count */
const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/**
 * @param {AsyncIterable<Uint8Array>} chunks of the file
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} [given]
 * @returns {Promise<Verdict>} a refusal is a verdict; any error thrown is one of reading the file
 */
export async function verifyFile(chunks, tools, given = {}) {
  const lines = linesOf(chunks);
  let format;
  try {
    const first = (await lines.next()).value ?? "";
    format = /^\{"format":"([^"]{1,60})"/.exec(first)?.[1];
    if (format === CERTIFICATE) return await certificate(first, lines, tools, given);
    const small = [first];
    for await (const line of lines) {
      small.push(line);
      if (small.length > SMALL_LINES_MAX) throw new Refused("format", "the file has too many lines");
    }
    const lengths = new Map(Object.entries(LINES)).get(format ?? "");
    if (lengths !== undefined && !lengths.includes(small.length))
      throw new Refused("format", `the file has ${small.length} lines, not ${lengths.join(" or ")}`);
    if (format === PROOF) return await proof(small, tools, given);
    if (format === RECEIPT) return await receipt(small, tools, given);
    if (format === COMMITMENT) return await commitment(small, tools, given);
    throw new Refused("format", "this is no certificate, proof, receipt or commitment that is known here");
  } catch (error) {
    const { message } = Object(error);
    const reason = error instanceof Refused ? error.reason : "format";
    if (!(error instanceof Refused) && !(error instanceof TypeError) && !(error instanceof RangeError))
      throw error;
    return { kind: format ?? "unknown", ok: false, findings: [{ level: "refused", reason, text: message }] };
  }
}

/**
 * @param {string} first
 * @param {AsyncGenerator<string>} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 * @returns {Promise<Verdict>}
 */
async function certificate(first, lines, tools, given) {
  const head = await readCertificateHead(first, (await lines.next()).value ?? "", tools, given.publicKey);
  const saved = await readSaved(given, tools, head.publicKey);
  const check = createCertificateCheck(head, tools.sha256);
  for await (const line of lines) check.take(line);
  const { wrong, entries, left, firstMs, lastMs } = check.finish();
  const compared = saved && comparison(saved, head.campaign, head.commitments, true);
  if (compared?.level === "refused") wrong.set("commitment", compared.text);
  const about = { kind: CERTIFICATE, campaign: head.campaign, publicKey: head.publicKey };
  if (wrong.size > 0)
    return {
      ...about,
      ok: false,
      findings: [...wrong].map(([reason, text]) => ({ level: "refused", reason, text })),
    };
  return { ...about, ok: true, findings: told(head, { entries, left, firstMs, lastMs }, given) };
}

/**
 * @param {import("./certificate.mjs").Head} head
 * @param {{ entries: number, left: number, firstMs: number, lastMs: number }} counts
 * @param {Given} given
 * @returns {Finding[]}
 */
function told(head, { entries, left, firstMs, lastMs }, given) {
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
  return [...findings, ...otherNotes(given, head.publicKey, ["code", "user"])];
}

/**
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 * @returns {Promise<Verdict>}
 */
async function proof(lines, tools, given) {
  const read = await readProof(lines, tools, given);
  const { campaign, commitment, ordinal } = read;
  const saved = await readSaved(given, tools, commitment.publicKey);
  const compared =
    saved &&
    comparison(saved, campaign, "head" in read ? read.head.commitments : [commitment], "head" in read);
  if (compared?.level === "refused") throw new Refused("commitment", compared.text);
  const findings = [
    holds(
      `the code is number ${grouped(ordinal)} of those that were committed to at ${instant(commitment.madeAtMs)}`,
    ),
  ];
  if ("head" in read)
    findings.push(
      holds(
        `it was issued at ${instant(read.issuedAtMs)}, as rank ${grouped(read.rank)} of ${grouped(read.head.issued)}`,
      ),
    );
  else findings.push(note("it was made before there was a certificate, so it has no rank yet"));
  findings.push(
    read.opensCode
      ? holds("it is of the code that was given")
      : note("give the code to check that it is of that one"),
  );
  if (compared !== undefined) findings.push(compared);
  if ("head" in read)
    findings.push(
      read.opensUser
        ? holds("it is of the user that was given")
        : note("give the user id to check that it is of that user"),
    );
  findings.push(...otherNotes(given, commitment.publicKey, []));
  return { kind: PROOF, campaign, publicKey: commitment.publicKey, ok: true, findings };
}

/**
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 * @returns {Promise<Verdict>}
 */
async function receipt(lines, tools, given) {
  const { campaign, publicKey, server, atMs, reason, opensUser } = await readReceipt(lines, tools, given);
  const findings = [
    holds(`the server ${server} answered a claim at ${instant(atMs)} with ${reason}`),
    opensUser
      ? holds("it is of the user that was given")
      : note("give the user id to check that it is of that user"),
    ...otherNotes(given, publicKey, ["code", "commitment"]),
  ];
  return { kind: RECEIPT, campaign, publicKey, ok: true, findings };
}

/**
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 * @returns {Promise<Verdict>}
 */
async function commitment(lines, tools, given) {
  const read = await readCommitment(lines, tools, given.publicKey);
  const { campaign, publicKey, number, first, size, root, madeAtMs } = read;
  const saved = await readSaved(given, tools, publicKey);
  const compared = saved && comparison(saved, campaign, [read], false);
  if (compared?.level === "refused") throw new Refused("commitment", compared.text);
  const codes = `codes ${grouped(first)} to ${grouped(first + size - 1)}`;
  const findings = [
    holds(`commitment ${number} to the ${codes}, dated ${instant(madeAtMs)}: ${toBase64url(root)}`),
    note("keep it: the certificate must have the same one"),
    ...(compared === undefined ? [] : [compared]),
    ...otherNotes(given, publicKey, ["code", "user"]),
  ];
  return { kind: COMMITMENT, campaign, publicKey, ok: true, findings };
}
