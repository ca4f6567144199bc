import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** The key of the deployment that signs commitments, certificates and receipts. */
export type SigningKey = {
  /** 32 bytes in base64url. */
  readonly publicKey: string;
  /** Ed25519 over the UTF-8 bytes of a statement: about 50 µs. */
  sign(statement: string): Buffer;
};

/** `pem`: an Ed25519 private key in PEM (PKCS #8). @throws where it is none */
export function readSigningKey(pem: string): SigningKey {
  const key = createPrivateKey(pem);
  return {
    publicKey: publicKeyOf(key),
    sign: (statement) => sign(null, Buffer.from(statement), key),
  };
}

/** A new key: the text for CERTIFICATE_KEY_FILE, and the public key to publish. */
export function makeSigningKey(): { readonly pem: string; readonly publicKey: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  return {
    pem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    publicKey: publicKeyOf(privateKey),
  };
}

function publicKeyOf(key: KeyObject): string {
  return String(createPublicKey(key).export({ format: "jwk" })["x"]);
}
