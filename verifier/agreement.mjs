import { holds, instant, note, refused } from "./finding.mjs";

/** Whether a receipt and the certificate of the same campaign agree. The certificate is one that holds. */

/**
 * What the lines of a certificate show of the codes of one commitment; of those without one, `number` is 0.
 *
 * @typedef {{ number: number, issued: number, left: number, firstMs: number, lastMs: number }} Span
 * @typedef {{ spans: Span[], lastMs: number, generations: number }} Shown
 * @typedef {{ campaign: string, publicKey: string, atMs: number, reason: string }} Receipt
 * @typedef {import("./certificate.mjs").Head} Head
 * @typedef {import("./finding.mjs").Finding} Finding
 */

/** Instants of two computers are compared: so much may lie between their clocks. */
export const TOLERANCE_MS = 2_000;

/** @param {string} text */
const contradicts = (text) => refused("contradiction", text);

/**
 * @param {Receipt} receipt
 * @param {Head} head
 * @param {Shown} shown
 * @param {number} [toleranceMs]
 * @returns {Finding[]}
 */
export function agreement(receipt, head, shown, toleranceMs = TOLERANCE_MS) {
  if (receipt.campaign !== head.campaign)
    return [refused("campaign", `the certificate is of the campaign ${head.campaign}`)];
  if (receipt.publicKey !== head.publicKey) {
    const keys = `the certificate is signed with the key ${head.publicKey}, and the receipt with ${receipt.publicKey}`;
    return [refused("public-key", keys)];
  }
  const judge = JUDGES[receipt.reason];
  const found =
    judge === undefined
      ? [note(`a certificate shows nothing that a receipt of ${receipt.reason} could contradict`)]
      : judge(receipt, head, shown, toleranceMs);
  if (found.length > 0) return found;
  return [
    holds("the certificate is of the same campaign and signed with the same key"),
    holds(`it agrees with ${receipt.reason} at ${instant(receipt.atMs)}`),
  ];
}

/** @typedef {(receipt: Receipt, head: Head, shown: Shown, toleranceMs: number) => Finding[]} Judge */

/** @type {Judge} */
function notYet({ atMs, reason }, { openedAtMs }, _shown, toleranceMs) {
  if (openedAtMs === null || atMs <= openedAtMs + toleranceMs) return [];
  return [
    contradicts(
      `the campaign opened at ${instant(openedAtMs)}, and ${instant(atMs)} is after that: ${reason}`,
    ),
  ];
}

/**
 * Codes that are added come into the pool at an instant that is not in the certificate: the first of them
 * that is issued shows that they are there.
 *
 * @type {Judge}
 */
function soldOut({ atMs }, head, { spans, generations }, toleranceMs) {
  if (head.openedAtMs === null || atMs < head.openedAtMs - toleranceMs)
    return [contradicts(`the campaign had not opened at ${instant(atMs)}`)];
  const there = spans.filter(({ number, firstMs }) => number <= 1 || firstMs < atMs - toleranceMs);
  const lastMs = Math.max(...there.map((span) => span.lastMs), 0);
  const left = there.reduce((sum, span) => sum + span.left, 0);
  /** @type {string[]} */
  const against = [];
  if (lastMs > atMs + toleranceMs)
    against.push(`a coupon of the same codes was issued ${lastMs - atMs} ms later, at ${instant(lastMs)}`);
  if (left > 0) against.push(`${left} of the same codes were never issued`);
  if (against.length === 0) return [];
  const text = `it was not sold out at ${instant(atMs)}: ${against.join("; ")}`;
  // Codes that nobody was told of come back when the pool is made again.
  return [
    generations > 1 ? note(`${text}. The pool was made again in between, or before`) : contradicts(text),
  ];
}

/** @type {Judge} */
function over({ atMs, reason }, { state, endsAtMs, madeAtMs }, { lastMs }, toleranceMs) {
  if (lastMs > atMs + toleranceMs)
    return [contradicts(`a coupon was issued ${lastMs - atMs} ms after ${reason}, at ${instant(lastMs)}`)];
  if (atMs > madeAtMs + toleranceMs)
    return [
      note("the certificate was made before the receipt, and cannot show that the campaign was over then"),
    ];
  const isPast = endsAtMs !== null && atMs >= endsAtMs - toleranceMs;
  if (state !== reason && !(reason === "ENDED" && isPast))
    return [contradicts(`the campaign is ${state} in a certificate of ${instant(madeAtMs)}, which is later`)];
  return [];
}

/** @type {Record<string, Judge>} */
const JUDGES = { NOT_STARTED: notYet, NOT_READY: notYet, SOLD_OUT: soldOut, ENDED: over, CANCELLED: over };
