import { TargetRefused } from "./targets.ts";

/** What operators are told of errors of a connection, by the codes of Node.js: no address and no name. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was reset",
  ENOTFOUND: "its name has no address",
  EAI_AGAIN: "its name cannot be looked up at the moment",
  ETIMEDOUT: "it does not answer",
  ABORT_ERR: "the connection was cut, because it does not answer",
  EHOSTUNREACH: "it cannot be reached",
  ENETUNREACH: "it cannot be reached",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is of no authority that is known here",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is of no authority that is known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of no authority that is known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is of no authority that is known here",
};

/** Why no answer came over a connection; its own words, which may repeat what was sent, are left out. */
export function connectionTrouble(error: unknown): string {
  if (error instanceof TargetRefused) return error.message;
  const code = codeOf(error);
  if (code === undefined) return "the connection was lost";
  return (
    WORDS[code] ??
    (code.startsWith("HPE_") ? `the answer is no HTTP (${code})` : `the connection failed (${code})`)
  );
}

/** Whether the other end closed a connection, as it may do with one that is kept. */
export function isReset(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ECONNRESET" || code === "EPIPE";
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
