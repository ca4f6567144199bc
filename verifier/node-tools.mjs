import { createPublicKey, hash, verify } from "node:crypto";

/** SHA-256 and Ed25519 of Node.js. @type {import("./statement.mjs").Tools} */
export const nodeTools = {
  sha256: (bytes) => hash("sha256", bytes, "buffer"),
  verifyEd25519(publicKey, signature, message) {
    const x = Buffer.from(publicKey).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    return verify(null, message, key, signature);
  },
};
