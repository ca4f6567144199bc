/** The statements that are signed, each as the one line that is signed, and the lines of the files. */

/** A commitment to the codes of a campaign, or to those that were added to it. */
export type Commitment = {
  /** From 1. */
  readonly number: number;
  /** The ordinal of its first code. */
  readonly first: number;
  readonly size: number;
  readonly root: Uint8Array;
  /** On the clock of MongoDB. */
  readonly madeAtMs: number;
};

export type CertificateFacts = {
  readonly campaign: string;
  readonly name: string;
  readonly state: string;
  readonly total: number;
  readonly onePerUser: boolean;
  readonly startsAtMs: number;
  /** Null: it has no end. */
  readonly endsAtMs: number | null;
  /** Null: it never opened. */
  readonly openedAtMs: number | null;
  readonly issued: number;
  readonly issueRoot: Uint8Array;
  readonly commitments: readonly Commitment[];
  readonly software: string;
  readonly madeAtMs: number;
};

/** A loser's receipt: which server answered when, and with what. */
export type ReceiptFacts = {
  readonly campaign: string;
  readonly server: string;
  readonly atMs: number;
  readonly reason: string;
  readonly keySalt: Uint8Array;
  readonly keyHash: Uint8Array;
};

const text64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

function commitmentObject({ number, first, size, root, madeAtMs }: Commitment) {
  return { number, first, size, root: text64(root), madeAtMs };
}

export function commitmentLine(campaign: string, commitment: Commitment, publicKey: string): string {
  const format = "coupon-issuer/commitment/1";
  return JSON.stringify({ format, campaign, ...commitmentObject(commitment), publicKey });
}

export function certificateLine(facts: CertificateFacts, publicKey: string): string {
  const { issueRoot, commitments, software, madeAtMs, issued, ...campaign } = facts;
  const { openedAtMs, startsAtMs } = facts;
  return JSON.stringify({
    format: "coupon-issuer/certificate/1",
    ...campaign,
    latenessMs: openedAtMs === null ? null : Math.max(0, openedAtMs - startsAtMs),
    issued,
    issueRoot: text64(issueRoot),
    commitments: commitments.map(commitmentObject),
    software,
    madeAtMs,
    publicKey,
  });
}

export function receiptLine(facts: ReceiptFacts, publicKey: string): string {
  const { keySalt, keyHash, ...rest } = facts;
  return JSON.stringify({
    format: "coupon-issuer/receipt/1",
    ...rest,
    keySalt: text64(keySalt),
    keyHash: text64(keyHash),
    publicKey,
  });
}

/** The line below a statement. */
export function signatureLine(signature: Uint8Array): string {
  return JSON.stringify({ signature: text64(signature) });
}
