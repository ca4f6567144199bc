/** Writes the vectors of docs/proof.md, as the product computes them: `tsx tests/proof/vectors.ts`. */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { codeHashOf, codeSaltOf, issuanceHashOf, keyHashOf, keySaltOf } from "../../proof/leaves.ts";
import { HASH_BYTES, rootOf, treeOf } from "../../proof/merkle.ts";
import { readSigningKey } from "../../proof/signing-key.ts";
import { SAMPLE_CAMPAIGN, SAMPLE_SEED, TEST_KEY } from "./sample-launch.ts";

export const VECTORS_FILE = new URL("./vectors.json", import.meta.url);
const TREE_SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 13];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const hashesIn = (path: Buffer) =>
  Array.from({ length: path.length / HASH_BYTES }, (_, i) =>
    path.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );

/** The vectors; every text of bytes is hex. */
export function vectors() {
  const codes = ["가나다라마바0000", "한글코드0001", "SUMMER-A0B1"].map((code) => {
    const salt = codeSaltOf(SAMPLE_SEED, code);
    return { code, salt: hex(salt), hash: hex(codeHashOf(salt, code)) };
  });
  const keys = ["user-1", "사용자", "shop\u001frequest-7"].map((claimKey) => {
    const salt = keySaltOf(SAMPLE_SEED, claimKey);
    return { claimKey, salt: hex(salt), hash: hex(keyHashOf(salt, claimKey)) };
  });
  const [code = { hash: "" }, key = { hash: "" }] = [codes[0], keys[0]];
  const numbers = { rank: 7, ordinal: 6, generation: 2, seq: 3, issuedAtMs: 1_793_494_800_003 };
  const bytes = (text: string) => Buffer.from(text, "hex");
  const issuance = { ...numbers, codeHash: code.hash, keyHash: key.hash };
  const hash = hex(issuanceHashOf(7, { ...numbers, codeHash: bytes(code.hash), keyHash: bytes(key.hash) }));
  const trees = TREE_SIZES.map((size) => {
    const leaves = Array.from({ length: size }, (_, i) => codeHashOf(SAMPLE_SEED, `leaf ${i}`));
    const tree = treeOf(Buffer.concat(leaves));
    const paths = leaves.map((_, i) => hashesIn(tree.path(i)).map(hex));
    return { leaves: leaves.map(hex), root: hex(rootOf(leaves)), paths };
  });
  const signer = readSigningKey(TEST_KEY);
  const statement = JSON.stringify({
    ...{ format: "coupon-issuer/receipt/1", campaign: SAMPLE_CAMPAIGN, server: "server-1" },
    ...{ atMs: 1_793_494_801_250, reason: "SOLD_OUT", keySalt: b64(keys[0]?.salt), keyHash: b64(key.hash) },
    publicKey: signer.publicKey,
  });
  return {
    seed: hex(SAMPLE_SEED),
    ...{ codes, keys, issuance: { ...issuance, hash }, trees },
    signed: { statement, publicKey: signer.publicKey, signature: hex(signer.sign(statement)) },
  };
}

const b64 = (text = "") => Buffer.from(text, "hex").toString("base64url");

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  writeFileSync(VECTORS_FILE, `${JSON.stringify(vectors(), null, 2)}\n`);
