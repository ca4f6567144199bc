import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { readSmallFile } from "../../runtime/small-file.ts";
import type { TlsFiles } from "../../runtime/tls-settings.ts";
import { UserError } from "../../runtime/user-error.ts";

/** The contents of the files. */
export type TlsMaterial = {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
};

export type TlsCredentials = {
  readonly material: TlsMaterial;
  /** What a port's secure context is made of. */
  readonly context: SecureContextOptions;
  /** The instant from which callers refuse the certificate. */
  readonly expiresAtMs: number;
};

/** A bundle of authorities has a few hundred kilobytes. */
const BYTES_MAX = 1024 * 1024;

const SETTINGS = {
  cert: "TLS_CERT_FILE",
  key: "TLS_KEY_FILE",
  clientCa: "OPERATORS_CLIENT_CA_FILE",
} as const;

/** @throws UserError naming the setting whose file cannot be read */
export async function readTlsMaterial(files: TlsFiles): Promise<TlsMaterial> {
  const read = (name: keyof TlsFiles, path: string) =>
    readSmallFile(path, BYTES_MAX).catch((error: Error) => {
      throw wrong(name, `the file ${error.message}`);
    });
  return {
    cert: await read("cert", files.cert),
    key: await read("key", files.key),
    clientCa: files.clientCa === undefined ? undefined : await read("clientCa", files.clientCa),
  };
}

/** @throws UserError naming the setting whose file is no certificate or no key, or that they do not fit */
export function tlsCredentialsOf(material: TlsMaterial): TlsCredentials {
  const { cert, key, clientCa } = material;
  const certificate = parsed("cert", "no certificate in PEM", () => new X509Certificate(cert));
  const privateKey = parsed("key", "no private key in PEM without a passphrase", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw wrong("key", "is not the key of the certificate in TLS_CERT_FILE, the first one there");
  if (clientCa !== undefined)
    parsed("clientCa", "no certificate in PEM", () => new X509Certificate(clientCa));
  const context = {
    ...{ cert, key, minVersion: "TLSv1.2" as const },
    // A resumed session has no new look at the certificate: one that has expired would go on for ever.
    ...(clientCa === undefined ? {} : { ca: clientCa, secureOptions: constants.SSL_OP_NO_TICKET }),
  };
  // OpenSSL refuses more, such as a key that is too short.
  parsed("cert", "a certificate or key that TLS does not take", () => createSecureContext(context));
  return { material, context, expiresAtMs: Date.parse(certificate.validTo) };
}

export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  const isSame = (a: Buffer | undefined, b: Buffer | undefined) =>
    a === undefined || b === undefined ? a === b : a.equals(b);
  return (["cert", "key", "clientCa"] as const).every((name) => isSame(one[name], other[name]));
}

function parsed<T>(name: keyof TlsFiles, what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw wrong(name, `the file has ${what}`);
  }
}

/** Neither a path nor a part of a file is repeated: it may be the key, by mistake. */
function wrong(name: keyof TlsFiles, why: string): UserError {
  return new UserError(`configuration: ${SETTINGS[name]}: ${why}`);
}
