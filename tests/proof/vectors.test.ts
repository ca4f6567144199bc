import { readFileSync } from "node:fs";
import { expect } from "chai";
import { codeHashOf, issuanceHashOf, keyHashOf } from "../../verifier/leaves.mjs";
import { createTree, leadsToRoot } from "../../verifier/merkle.mjs";
import { nodeTools } from "../../verifier/node-tools.mjs";
import { VECTORS_FILE, vectors } from "./vectors.ts";

const { sha256, verifyEd25519 } = nodeTools;
const bytes = (text: string) => Buffer.from(text, "hex");
const hex = (given: Uint8Array) => Buffer.from(given).toString("hex");

describe("test vectors of docs/proof.md", () => {
  const file = JSON.parse(readFileSync(VECTORS_FILE, "utf8")) as ReturnType<typeof vectors>;

  it("are what the product computes", () => {
    expect(vectors()).to.deep.equal(file);
  });

  it("are what the verifier computes", async () => {
    for (const { code, salt, hash } of file.codes)
      expect(hex(codeHashOf(sha256, bytes(salt), code)), code).to.equal(hash);
    for (const { claimKey, salt, hash } of file.keys)
      expect(hex(keyHashOf(sha256, bytes(salt), claimKey)), claimKey).to.equal(hash);
    const { hash, rank, ...rest } = file.issuance;
    const entry = { ...rest, codeHash: bytes(rest.codeHash), keyHash: bytes(rest.keyHash) };
    expect(hex(issuanceHashOf(sha256, rank, entry))).to.equal(hash);
    const { statement, publicKey, signature } = file.signed;
    const key = Buffer.from(publicKey, "base64url");
    expect(await verifyEd25519(key, bytes(signature), Buffer.from(statement))).to.equal(true);
    expect(await verifyEd25519(key, bytes(signature), Buffer.from(`${statement} `))).to.equal(false);
  });

  it("have trees and paths that the verifier follows, and no others", () => {
    for (const { leaves, root, paths } of file.trees) {
      const size = leaves.length;
      const tree = createTree(sha256);
      for (const leaf of leaves) tree.add(bytes(leaf));
      expect(hex(tree.root()), `tree of ${size}`).to.equal(root);
      for (const [index, path] of paths.entries()) {
        const proof = {
          leaf: bytes(leaves[index] ?? ""),
          index,
          size,
          path: path.map(bytes),
          root: bytes(root),
        };
        const where = `leaf ${index} of ${size}`;
        expect(leadsToRoot(sha256, proof), where).to.equal(true);
        expect(leadsToRoot(sha256, { ...proof, index: index + 1 }), `${where}, moved`).to.equal(false);
        expect(leadsToRoot(sha256, { ...proof, path: [...proof.path, bytes(root)] }), where).to.equal(false);
        expect(leadsToRoot(sha256, { ...proof, path: proof.path.slice(1) }), where).to.equal(size === 1);
      }
    }
  });
});
