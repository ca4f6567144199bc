import { agreement } from "./agreement.mjs";
import { linesOf, toBase64url } from "./bytes.mjs";
import { CERTIFICATE, createCertificateCheck, readCertificateHead } from "./certificate.mjs";
import { COMMITMENT, readCommitment } from "./commitment.mjs";
import { grouped, holds, instant, note, refused } from "./finding.mjs";
import { comparison, otherNotes, readSaved } from "./given.mjs";
import { PROOF, readProof } from "./proof.mjs";
import { RECEIPT, readReceipt } from "./receipt.mjs";
import { Refused } from "./statement.mjs";
import { told } from "./told.mjs";

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
    return { kind: format ?? "unknown", ok: false, findings: [refused(reason, message)] };
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
  const { head, shown } = await readCertificate(first, lines, tools, given);
  const about = { kind: CERTIFICATE, campaign: head.campaign, publicKey: head.publicKey };
  const wrong = wrongIn(shown);
  if (wrong.length > 0) return { ...about, ok: false, findings: wrong };
  return { ...about, ok: true, findings: told(head, shown, given) };
}

/**
 * @param {string} first
 * @param {AsyncGenerator<string>} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 */
async function readCertificate(first, lines, tools, given) {
  const head = await readCertificateHead(first, (await lines.next()).value ?? "", tools, given.publicKey);
  const saved = await readSaved(given, tools, head.publicKey);
  const check = createCertificateCheck(head, tools.sha256);
  for await (const line of lines) check.take(line);
  const shown = check.finish();
  const compared = saved && comparison(saved, head.campaign, head.commitments, true);
  if (compared?.level === "refused") shown.wrong.set("commitment", compared.text);
  return { head, shown };
}

/** @param {{ wrong: Map<string, string> }} shown */
const wrongIn = ({ wrong }) => [...wrong].map(([reason, text]) => refused(reason, text));

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
        ? holds("it is of the holder that was given")
        : note("give the user id, the request id or both to check whose it is"),
    );
  findings.push(...otherNotes(given, commitment.publicKey, ["certificate"]));
  return { kind: PROOF, campaign, publicKey: commitment.publicKey, ok: true, findings };
}

/**
 * @param {readonly string[]} lines
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 * @returns {Promise<Verdict>}
 */
async function receipt(lines, tools, given) {
  const read = await readReceipt(lines, tools, given);
  const { campaign, publicKey, server, atMs, reason, opensUser } = read;
  const { certificate: other } = given;
  const compared =
    other === undefined
      ? [note("give the certificate to check whether the two agree")]
      : await comparedWith(read, other, tools, given);
  const findings = [
    holds(`the server ${server} answered a claim at ${instant(atMs)} with ${reason}`),
    opensUser
      ? holds("it is of the holder that was given")
      : note("give the user id, the request id or both to check whose it is"),
    ...compared,
    ...otherNotes(given, publicKey, other === undefined ? ["code", "commitment"] : ["code"]),
  ];
  const ok = compared.every(({ level }) => level !== "refused");
  return { kind: RECEIPT, campaign, publicKey, ok, findings };
}

/**
 * @param {Awaited<ReturnType<typeof readReceipt>>} read
 * @param {AsyncIterable<Uint8Array>} chunks of the certificate
 * @param {import("./statement.mjs").Tools} tools
 * @param {Given} given
 * @returns {Promise<Finding[]>}
 */
async function comparedWith(read, chunks, tools, { commitment: saved, toleranceMs }) {
  const lines = linesOf(chunks);
  const first = (await lines.next()).value ?? "";
  const given = saved === undefined ? {} : { commitment: saved };
  const { head, shown } = await readCertificate(first, lines, tools, given);
  const wrong = wrongIn(shown).map((one) => ({ ...one, text: `the certificate: ${one.text}` }));
  return wrong.length > 0 ? wrong : agreement(read, head, shown, toleranceMs);
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
    ...otherNotes(given, publicKey, ["code", "user", "request", "certificate"]),
  ];
  return { kind: COMMITMENT, campaign, publicKey, ok: true, findings };
}
