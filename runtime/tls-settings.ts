import { isAbsolute } from "node:path";
import { checked } from "./setting-kinds.ts";

/** The settings of TLS: files in PEM, which are read again when they change. */

const path = checked((text) =>
  isAbsolute(text) ? undefined : "must be the absolute path of a file in PEM",
).optional();

export const tlsSettings = {
  TLS_CERT_FILE: path,
  TLS_KEY_FILE: path,
  OPERATORS_CLIENT_CA_FILE: path,
};

export type TlsConfig = {
  readonly TLS_CERT_FILE?: string | undefined;
  readonly TLS_KEY_FILE?: string | undefined;
  readonly OPERATORS_CLIENT_CA_FILE?: string | undefined;
};

/** The files of one port; `clientCa`: its callers need a certificate of one of these authorities. */
export type TlsFiles = {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
};

/** undefined: the port has no TLS. */
export function tlsFilesOf(config: TlsConfig, isOperators: boolean): TlsFiles | undefined {
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = config;
  if (cert === undefined || key === undefined) return undefined;
  return { cert, key, clientCa: isOperators ? config.OPERATORS_CLIENT_CA_FILE : undefined };
}

/** What is wrong with the settings together, for a process with the server role; undefined: nothing. */
export function tlsTrouble(config: TlsConfig & { readonly OPERATORS_PORT?: number | "off" | undefined }) {
  const { TLS_CERT_FILE, TLS_KEY_FILE, OPERATORS_CLIENT_CA_FILE, OPERATORS_PORT } = config;
  if ((TLS_CERT_FILE === undefined) !== (TLS_KEY_FILE === undefined))
    return "TLS_CERT_FILE and TLS_KEY_FILE belong together: set both, or none";
  if (OPERATORS_CLIENT_CA_FILE === undefined) return undefined;
  if (TLS_CERT_FILE === undefined) return "OPERATORS_CLIENT_CA_FILE needs TLS_CERT_FILE and TLS_KEY_FILE";
  return typeof OPERATORS_PORT === "number"
    ? undefined
    : "OPERATORS_CLIENT_CA_FILE needs OPERATORS_PORT: callers of the public port have no certificates";
}
