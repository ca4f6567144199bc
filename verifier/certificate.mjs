import { fromBase64url, isEqual, toBase64url } from "./bytes.mjs";
import { commitmentsIn } from "./commitment.mjs";
import { issuanceHashOf } from "./leaves.mjs";
import { createTree } from "./merkle.mjs";
import { bytesIn, countIn, countOrNullIn, Refused, signedStatement, textIn } from "./statement.mjs";

export const CERTIFICATE = "coupon-issuer/certificate/1";

/** Most coupons of a campaign: bounds the memory that a file can make a reader take. */
const CODES_MAX = 10_000_000;
/** No leading zeros: a line has one meaning, and a meaning one line. */
const ENTRY =
  /^\["([\w-]{43})","([\w-]{43})",(0|[1-9]\d{0,7}),(0|[1-9]\d{0,9}),(0|[1-9]\d{0,9}),(0|[1-9]\d{0,14})\]$/;
const LEFT = /^\["([\w-]{43})",(0|[1-9]\d{0,7})\]$/;

/**
 * The signed statement of a certificate.
 *
 * @param {string} line
 * @param {string | undefined} signature
 * @param {import("./statement.mjs").Tools} tools
 * @param {string} [expectedKey]
 */
export async function readCertificateHead(line, signature, tools, expectedKey) {
  const statement = await signedStatement(line, signature, CERTIFICATE, tools, expectedKey);
  const commitments = commitmentsIn(statement);
  const startsAtMs = countIn(statement, "startsAtMs");
  const openedAtMs = countOrNullIn(statement, "openedAtMs");
  const latenessMs = countOrNullIn(statement, "latenessMs");
  if (latenessMs !== (openedAtMs === null ? null : Math.max(0, openedAtMs - startsAtMs)))
    throw new Refused("lateness", "latenessMs is not what openedAtMs and startsAtMs make it");
  return {
    campaign: textIn(statement, "campaign"),
    name: textIn(statement, "name"),
    state: textIn(statement, "state"),
    total: countIn(statement, "total"),
    issued: countIn(statement, "issued"),
    ...{ startsAtMs, openedAtMs, latenessMs },
    endsAtMs: countOrNullIn(statement, "endsAtMs"),
    issueRoot: bytesIn(statement, "issueRoot", 32),
    madeAtMs: countIn(statement, "madeAtMs"),
    software: textIn(statement, "software"),
    publicKey: textIn(statement, "publicKey"),
    commitments,
    committed: commitments.reduce((sum, { size }) => sum + size, 0),
  };
}

/** @typedef {Awaited<ReturnType<typeof readCertificateHead>>} Head */

/**
 * Reads the rest of a certificate line by line and checks it against its statement.
 *
 * @param {Head} head
 * @param {import("./merkle.mjs").Sha256} sha256
 */
export function createCertificateCheck(head, sha256) {
  if (head.committed > CODES_MAX) throw new Refused("format", `more than ${CODES_MAX} codes are committed`);
  const codes = new Uint8Array(head.committed * 32);
  const isThere = new Uint8Array(head.committed);
  const issues = createTree(sha256);
  /** @type {Set<string>} */
  const keys = new Set();
  /** The hashes of issued codes. @type {Set<string>} */
  const given = new Set();
  /** @type {Map<string, string>} */
  const wrong = new Map();
  let entries = 0;
  let left = 0;
  let uncommitted = 0;
  let before = { generation: -1, seq: -1 };
  let lastMs = 0;
  let firstMs = Number.POSITIVE_INFINITY;
  let lastLeft = -1;
  let generations = 0;
  const spans = [
    ...head.commitments,
    { number: 0, first: head.committed, size: Number.POSITIVE_INFINITY },
  ].map(({ number, first, size }) => ({
    ...{ number, end: first + size, issued: 0, left: 0 },
    ...{ firstMs: Number.POSITIVE_INFINITY, lastMs: 0 },
  }));
  /** @param {number} ordinal */
  const spanOf = (ordinal) => spans.find(({ end }) => ordinal < end);

  /**
   * Notes the first of each reason.
   *
   * @param {string} reason
   * @param {string} message
   */
  function refuse(reason, message) {
    if (!wrong.has(reason)) wrong.set(reason, message);
  }

  /**
   * @param {string} text
   * @param {number} ordinal
   * @param {string} where
   * @returns {Uint8Array}
   */
  function takeCode(text, ordinal, where) {
    const hash = fromBase64url(text, 32);
    if (hash === undefined) throw new Refused("format", `${where}: the hash of the code is not base64url`);
    if (ordinal >= head.committed) uncommitted++;
    else if (isThere[ordinal] === 1) refuse("code-twice", `${where}: the code ${ordinal} was there already`);
    else {
      isThere[ordinal] = 1;
      codes.set(hash, ordinal * 32);
    }
    return hash;
  }

  /** @param {RegExpExecArray} match */
  function takeEntry([, code = "", key = "", ordinalText, generationText, seqText, atText]) {
    entries++;
    const where = `rank ${entries}`;
    if (left > 0) throw new Refused("format", `${where} stands behind codes that were not issued`);
    const [ordinal, generation, seq, issuedAtMs] = [ordinalText, generationText, seqText, atText].map(Number);
    if (ordinal === undefined || generation === undefined || seq === undefined || issuedAtMs === undefined)
      throw new Refused("format", where);
    const keyHash = fromBase64url(key, 32);
    if (keyHash === undefined || generation > 0xffffffff || seq > 0xffffffff)
      throw new Refused("format", `${where} is not written as docs/proof.md says`);
    const codeHash = takeCode(code, ordinal, where);
    // A text of its own: one that is cut out of the line would keep the whole file in memory.
    const ownCode = String.fromCharCode(...codeHash);
    if (given.has(ownCode)) refuse("code-twice", `${where}: this code was issued already`);
    given.add(ownCode);
    if (generation < before.generation || (generation === before.generation && seq <= before.seq))
      refuse("order", `${where} comes before rank ${entries - 1} in the issue order: ranks were exchanged`);
    if (generation !== before.generation) generations++;
    before = { generation, seq };
    const ownKey = String.fromCharCode(...keyHash);
    if (keys.has(ownKey)) refuse("key-twice", `${where}: this key has a coupon already`);
    keys.add(ownKey);
    if (issuedAtMs < head.startsAtMs) refuse("early", `${where} was issued before the start`);
    if (head.endsAtMs !== null && issuedAtMs >= head.endsAtMs)
      refuse("late", `${where} was issued after the end`);
    lastMs = Math.max(lastMs, issuedAtMs);
    firstMs = Math.min(firstMs, issuedAtMs);
    const span = spanOf(ordinal);
    if (span !== undefined) {
      span.issued++;
      span.firstMs = Math.min(span.firstMs, issuedAtMs);
      span.lastMs = Math.max(span.lastMs, issuedAtMs);
    }
    issues.add(issuanceHashOf(sha256, entries, { codeHash, keyHash, ordinal, generation, seq, issuedAtMs }));
  }

  /** @param {RegExpExecArray} match */
  function takeLeft([, code = "", ordinalText]) {
    left++;
    const ordinal = Number(ordinalText);
    if (ordinal <= lastLeft) refuse("left-order", `the code ${ordinal}, not issued, is out of order`);
    lastLeft = ordinal;
    const span = spanOf(ordinal);
    if (span !== undefined) span.left++;
    takeCode(code, ordinal, `the code ${ordinal}, not issued`);
  }

  function checkRoots() {
    if (entries !== head.issued)
      refuse(
        "count",
        `${head.issued} issuances were signed, and the file has ${entries}: some are missing or added`,
      );
    if (entries > head.total)
      refuse("total", `${entries} coupons were issued of a campaign that has ${head.total}`);
    if (uncommitted > 0 && head.commitments.length > 0)
      refuse("uncommitted", `${uncommitted} codes are in no commitment: they were added after it`);
    if (!isEqual(issues.root(), head.issueRoot))
      refuse(
        "issue-root",
        `the issuances do not hash to the root that was signed (${toBase64url(head.issueRoot)}): one was changed, removed, added or moved`,
      );
    const absent = isThere.indexOf(0);
    if (absent !== -1) refuse("code-missing", `the code ${absent} is committed to and not in the file`);
    for (const { number, first, size, root } of head.commitments) {
      const tree = createTree(sha256);
      for (let at = first; at < first + size; at++) tree.add(codes.slice(at * 32, at * 32 + 32));
      if (!isEqual(tree.root(), root))
        refuse(
          "commitment-root",
          `the codes do not hash to the root of commitment ${number} (${toBase64url(root)}): one was swapped, added or held back`,
        );
    }
  }

  return {
    /** @param {string} line */
    take(line) {
      const entry = ENTRY.exec(line);
      if (entry !== null) return takeEntry(entry);
      const rest = LEFT.exec(line);
      if (rest === null)
        throw new Refused("format", `line ${entries + left + 3} is not written as docs/proof.md says`);
      takeLeft(rest);
    },
    /** What is wrong, by reason; and the counts. */
    finish() {
      checkRoots();
      return { wrong, entries, left, firstMs, lastMs, spans, generations };
    },
  };
}
