import { createSecureContext } from "node:tls";
import { settingOf } from "../runtime/setting.ts";
import { readSmallFileSync, UnreadableFile } from "../runtime/small-file.ts";
import { UserError } from "./user-error.ts";

/** What the command shows of itself in a TLS handshake, in PEM. */
export interface ClientCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const certFile = "COUPON_CLIENT_CERT_FILE";
const keyFile = "COUPON_CLIENT_KEY_FILE";
const maxBytes = 1024 * 1024;

/** undefined: none is set. @throws UserError where a file cannot be read, or TLS does not take it */
export function readClientCertificate(env: NodeJS.ProcessEnv): ClientCertificate | undefined {
  const cert = settingOf(env, "COUPON_CLIENT_CERT_FILE");
  const key = settingOf(env, "COUPON_CLIENT_KEY_FILE");
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new UserError(`${certFile} and ${keyFile} belong together`, { hint: "set both, or none" });
  }
  const certificate = { cert: bytesOf(cert, certFile), key: bytesOf(key, keyFile) };
  try {
    createSecureContext(certificate);
  } catch {
    throw new UserError(`${certFile} and ${keyFile} name no certificate and its key`, {
      hint: "both are files in PEM, the key without a passphrase",
    });
  }
  return certificate;
}

function bytesOf(path: string, setting: string): Buffer {
  try {
    return readSmallFileSync(path, maxBytes);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new UserError(`${setting}: the file ${error.message}`, { hint: `check ${setting}` });
  }
}
