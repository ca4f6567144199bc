import { issuanceLine, leftLine } from "../../proof/certificate-lines.ts";
import {
  type CertifiedIssuance,
  codeHashOf,
  codeSaltOf,
  issuanceHashOf,
  keyHashOf,
  keySaltOf,
} from "../../proof/leaves.ts";
import { rootOf, treeOf } from "../../proof/merkle.ts";
import { readSigningKey, type SigningKey } from "../../proof/signing-key.ts";
import {
  type Commitment,
  certificateLine,
  commitmentLine,
  receiptLine,
  signatureLine,
} from "../../proof/statements.ts";

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8: RFC 8410, section 7. */
const PKCS8_HEAD = "302e020100300506032b657004220420";
/** RFC 8032, section 7.1, test 1: a key of tests alone. */
const SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

const pemOf = (secret: string) =>
  [
    "-----BEGIN PRIVATE KEY-----",
    Buffer.from(PKCS8_HEAD + secret, "hex").toString("base64"),
    "-----END PRIVATE KEY-----\n",
  ].join("\n");

/** The key of the tests as CERTIFICATE_KEY has it. */
export const TEST_KEY = pemOf(SECRET);
/** Another one: test 2 of the same section. */
export const OTHER_TEST_KEY = pemOf("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");

export const SAMPLE_SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
export const SAMPLE_CAMPAIGN = "01JDSAMPLE0000000000000000";
export const STARTS_AT_MS = Date.UTC(2026, 10, 1, 1);
const COMMITTED_AT_MS = STARTS_AT_MS - 3_600_000;
export const OPENED_AT_MS = STARTS_AT_MS + 3;

export const codeOf = (ordinal: number) => `가나다라마바${String(ordinal).padStart(4, "0")}`;
export const userOf = (rank: number) => `user-${rank}`;

/** A launch as the product would certify it: `issued` of `total` codes, in the order of their ordinals. */
export function sampleLaunch(total: number, issued: number, key: SigningKey = readSigningKey(TEST_KEY)) {
  const salts = Array.from({ length: total }, (_, i) => codeSaltOf(SAMPLE_SEED, codeOf(i)));
  const codeHashes = salts.map((salt, i) => codeHashOf(salt, codeOf(i)));
  const commitment: Commitment = {
    ...{ number: 1, first: 0, size: total, root: rootOf(codeHashes), madeAtMs: COMMITTED_AT_MS },
  };
  const issuances = codeHashes.slice(0, issued).map((codeHash, i): CertifiedIssuance => {
    const keyHash = keyHashOf(keySaltOf(SAMPLE_SEED, userOf(i + 1)), userOf(i + 1));
    return { codeHash, keyHash, ordinal: i, generation: 1, seq: i + 1, issuedAtMs: OPENED_AT_MS + i };
  });
  const state: string = "ENDED";
  return { ...{ key, salts, codeHashes, commitments: [commitment], issuances, total, state } };
}

export type SampleLaunch = ReturnType<typeof sampleLaunch>;

export function leavesOf({ issuances }: Pick<SampleLaunch, "issuances">): Buffer[] {
  return issuances.map((issuance, i) => issuanceHashOf(i + 1, issuance));
}

export function headLinesOf(launch: SampleLaunch): string[] {
  const { key, commitments, issuances, total, state } = launch;
  const line = certificateLine(
    {
      ...{ campaign: SAMPLE_CAMPAIGN, name: "표본", state, total, onePerUser: true },
      ...{ startsAtMs: STARTS_AT_MS, endsAtMs: null, openedAtMs: OPENED_AT_MS, issued: issuances.length },
      ...{ issueRoot: rootOf(leavesOf(launch)), commitments, software: "coupon-issuer 0.0.0" },
      madeAtMs: OPENED_AT_MS + 60_000,
    },
    key.publicKey,
  );
  return [line, signatureLine(key.sign(line))];
}

export function certificateOf(launch: SampleLaunch): string[] {
  const { codeHashes, issuances } = launch;
  const issuedOnes = new Set(issuances.map(({ ordinal }) => ordinal));
  const left = codeHashes.flatMap((hash, i) => (issuedOnes.has(i) ? [] : [leftLine(hash, i)]));
  return [...headLinesOf(launch), ...issuances.map(issuanceLine), ...left];
}

export function commitmentOf({ key, commitments }: SampleLaunch, number = 1): string[] {
  const commitment = commitments[number - 1];
  if (commitment === undefined) throw new Error(`the sample has no commitment ${number}`);
  const line = commitmentLine(SAMPLE_CAMPAIGN, commitment, key.publicKey);
  return [line, signatureLine(key.sign(line))];
}

/** A receipt of a refusal, so many ms after the opening. */
export function receiptOf(
  reason: string,
  afterMs: number,
  { pem = TEST_KEY, campaign = SAMPLE_CAMPAIGN, claimKey = "loser" } = {},
): string[] {
  const [key, keySalt] = [readSigningKey(pem), Buffer.alloc(32, 9)];
  const facts = { campaign, server: "server-1", atMs: OPENED_AT_MS + afterMs, reason, keySalt };
  const line = receiptLine({ ...facts, keyHash: keyHashOf(keySalt, claimKey) }, key.publicKey);
  return [line, signatureLine(key.sign(line))];
}

export function proofOf(launch: SampleLaunch, rank: number): string[] {
  const issuance = launch.issuances[rank - 1];
  if (issuance === undefined) throw new Error(`the sample has no rank ${rank}`);
  const { ordinal, generation, seq, issuedAtMs } = issuance;
  const text64 = (...parts: readonly Uint8Array[]) => Buffer.concat(parts).toString("base64url");
  const line = JSON.stringify({
    ...{ format: "coupon-issuer/proof/1", campaign: SAMPLE_CAMPAIGN, ordinal },
    codeHash: text64(issuance.codeHash),
    codeSalt: text64(codeSaltOf(SAMPLE_SEED, codeOf(ordinal))),
    commitmentPath: text64(treeOf(Buffer.concat(launch.codeHashes)).path(ordinal)),
    ...{ rank, generation, seq, issuedAtMs, keyHash: text64(issuance.keyHash) },
    keySalt: text64(keySaltOf(SAMPLE_SEED, userOf(rank))),
    issuePath: text64(treeOf(Buffer.concat(leavesOf(launch))).path(rank - 1)),
  });
  return [line, ...commitmentOf(launch), ...headLinesOf(launch)];
}
