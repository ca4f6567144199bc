import { createPrivateKey } from "node:crypto";
import { checked } from "./setting-kinds.ts";

/** The setting of what signs commitments, certificates and receipts; `proof/` uses it. */
export const certificateKeySettings = {
  CERTIFICATE_KEY: checked(keyTrouble).transform(withLineEnds).optional(),
};

/** A file for environments has one line: `\\n` in it stands for a line end. */
function withLineEnds(pem: string): string {
  return pem.replaceAll("\\n", "\n");
}

/** What is wrong with a private key; the text is not repeated, nor is an error that may have a part of it. */
function keyTrouble(pem: string): string | undefined {
  try {
    if (createPrivateKey(withLineEnds(pem)).asymmetricKeyType === "ed25519") return undefined;
  } catch {
    // Told below.
  }
  return "must be an Ed25519 private key in PEM (PKCS #8) without a passphrase: coupon keys certificate makes one";
}
