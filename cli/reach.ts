/** Tells "the service could not be reached" apart from what the service said, by the error Node.js gave. */

export interface Unreachable {
  /** True: no byte of the request left, so nothing can have happened. */
  readonly neverSent: boolean;
  readonly words: (url: string) => { readonly message: string; readonly hint: string };
}

const check = "check --url and the network";

const reasons: Readonly<Record<string, Unreachable>> = {
  ECONNREFUSED: {
    neverSent: true,
    words: (url) => ({ message: `no service at ${url}`, hint: "start one with npm start or give --url" }),
  },
  ENOTFOUND: {
    neverSent: true,
    words: (url) => ({ message: `the host of ${url} has no address`, hint: check }),
  },
  EAI_AGAIN: {
    neverSent: true,
    words: (url) => ({ message: `the name service did not answer for ${url}`, hint: check }),
  },
  EHOSTUNREACH: { neverSent: true, words: (url) => ({ message: `there is no way to ${url}`, hint: check }) },
  ENETUNREACH: { neverSent: true, words: (url) => ({ message: `there is no way to ${url}`, hint: check }) },
  ETIMEDOUT: { neverSent: false, words: (url) => ({ message: `${url} does not answer`, hint: check }) },
  ECONNRESET: {
    neverSent: false,
    words: (url) => ({ message: `the connection to ${url} broke`, hint: "try again" }),
  },
  EPIPE: {
    neverSent: false,
    words: (url) => ({ message: `the connection to ${url} broke`, hint: "try again" }),
  },
};

const tls: Unreachable = {
  neverSent: true,
  words: (url) => ({ message: `the certificate of ${url} is not trusted`, hint: "see NODE_EXTRA_CA_CERTS" }),
};
const notHttp: Unreachable = {
  neverSent: false,
  words: (url) => ({ message: `what answers at ${url} is not this service`, hint: "check --url" }),
};

/** Undefined: the service was reached, or the error is of another kind. */
export function unreachableBecause(error: unknown): Unreachable | undefined {
  for (const code of nodeCodes(error)) {
    const known = reasons[code];
    if (known !== undefined) return known;
    if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return tls;
    if (code.startsWith("HPE_") || code === "EPROTO" || code.startsWith("ERR_SSL")) return notHttp;
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
