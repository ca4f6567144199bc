import { isLoopback } from "../runtime/loopback.ts";

/**
 * Distinguishes "the service could not be reached" from an answer of the service, by the error of Node.js,
 * and has a hint for each case.
 */

export interface Words {
  readonly message: string;
  readonly hint: string;
}

export interface Unreachable {
  /** True: no byte of the request was sent, so nothing can have happened. */
  readonly neverSent: boolean;
  /** True: the error may go away by itself, as during the restart of a server. */
  readonly passes: boolean;
  readonly words: (url: string) => Words;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : url);
const isHere = (url: string): boolean => URL.canParse(url) && isLoopback(new URL(url).hostname);

/** No process listens on the port: the hint depends on whether the URL is of this machine. */
const refused = (url: string): Words => ({
  message: `no service at ${url}`,
  hint: isHere(url)
    ? "start one (npm start in a clone of it) or give --url"
    : "see that it runs there and that --url has its port, or give another --url",
});
const noWay = (url: string): Words => ({
  message: `there is no way to ${url}`,
  hint: "check the network of this machine (VPN, routes, firewall) and --url",
});
const broke = (url: string): Words => ({ message: `the connection to ${url} broke`, hint: "try again" });

const before = { neverSent: true, passes: true } as const;
const during = { neverSent: false, passes: true } as const;

const reasons: Readonly<Record<string, Unreachable>> = {
  ECONNREFUSED: { ...before, words: refused },
  ENOTFOUND: {
    ...before,
    words: (url) => ({
      message: `the host of ${url} has no address`,
      hint: `check that ${hostOf(url)} is spelled right in --url and known to this network`,
    }),
  },
  EAI_AGAIN: {
    ...before,
    words: (url) => ({
      message: `the name service did not answer for ${url}`,
      hint: "check the network and the name service of this machine",
    }),
  },
  EHOSTUNREACH: { ...before, words: noWay },
  EHOSTDOWN: { ...before, words: noWay },
  ENETUNREACH: { ...before, words: noWay },
  ENETDOWN: { ...before, words: noWay },
  EADDRNOTAVAIL: { ...before, words: noWay },
  ETIMEDOUT: {
    ...during,
    words: (url) => ({
      message: `${url} does not answer`,
      hint: "check --url, and whether a firewall drops what is sent there",
    }),
  },
  ECONNRESET: { ...during, words: broke },
  ECONNABORTED: { ...during, words: broke },
  EPIPE: { ...during, words: broke },
};

/** An error that remains until the operator corrects it: a retry does not help. */
function misfit(neverSent: boolean, words: (url: string) => Words): Unreachable {
  return { neverSent, passes: false, words };
}

const untrusted = misfit(true, (url) => ({
  message: `the certificate of ${url} is not from an authority that this command trusts`,
  hint: "give the file of its authority in NODE_EXTRA_CA_CERTS",
}));

const certificates: Readonly<Record<string, Unreachable>> = {
  CERT_HAS_EXPIRED: misfit(true, (url) => ({
    message: `the certificate of ${url} has expired`,
    hint: "renew it there, or set the clock of this machine",
  })),
  CERT_NOT_YET_VALID: misfit(true, (url) => ({
    message: `the certificate of ${url} is not valid yet`,
    hint: "set the clock of this machine, or see to the certificate there",
  })),
  CERT_REVOKED: misfit(true, (url) => ({
    message: `the certificate of ${url} was revoked`,
    hint: "see to the certificate there",
  })),
  ERR_TLS_CERT_ALTNAME_INVALID: misfit(true, (url) => ({
    message: `the certificate of ${url} is for other names`,
    hint: "give the name that it was issued for in --url",
  })),
};

const noTls = misfit(true, (url) => ({
  message: `${url} does not answer in TLS`,
  hint: `is it ${url.replace(/^https:/, "http:")}?`,
}));
/** The server does not speak HTTP, such as a store. */
export const notThisService = (url: string): Words => ({
  message: `what answers at ${url} is not this service: it does not speak HTTP`,
  hint: "check --url",
});
const notHttp = misfit(false, notThisService);

function tlsFailed(code: string): Unreachable {
  return misfit(true, (url) => ({
    message: `TLS with ${url} failed (${code})`,
    hint: "check --url and what ends TLS there",
  }));
}

/** The errors of a TLS client at a port with plain HTTP. */
const plainAnswers = [
  "EPROTO",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
];

/** Undefined: the service was reached, or the error is of another kind. */
export function unreachableBecause(error: unknown): Unreachable | undefined {
  for (const code of nodeCodes(error)) {
    const known = reasons[code] ?? certificates[code];
    if (known !== undefined) return known;
    if (plainAnswers.includes(code)) return noTls;
    if (/^ERR_(SSL|TLS)_/.test(code)) return tlsFailed(code);
    if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return untrusted;
    if (code.startsWith("HPE_")) return notHttp;
  }
  return undefined;
}

const maxCauses = 10;

function nodeCodes(error: unknown): string[] {
  const codes: string[] = [];
  let current = error;
  for (let depth = 0; current instanceof Error && depth < maxCauses; depth++) {
    if ("code" in current && typeof current.code === "string") codes.push(current.code);
    current = current.cause;
  }
  return codes;
}
