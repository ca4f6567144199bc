/** What `coupon login` keeps for one service. */
export interface Login {
  /** The URL of the service: the tokens are sent there and to the issuer, and nowhere else. */
  readonly service: string;
  readonly provider: Provider;
  readonly tokens: Tokens;
}

/** The identity provider, and how this command is known to it. */
export interface Provider {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** What the access token is asked for; undefined: the provider decides by the scope. */
  readonly audience: string | undefined;
}

export interface Tokens {
  readonly accessToken: string;
  /** By the clock of this machine; undefined: the provider did not tell. */
  readonly expiresAtMs: number | undefined;
  /** undefined: the login ends with the access token. */
  readonly refreshToken: string | undefined;
}

/** A login that is read from JSON; undefined: it is none. */
export function loginIn(value: unknown): Login | undefined {
  const { service, provider, tokens } = fieldsOf(value);
  const { issuer, clientId, scope, audience } = fieldsOf(provider);
  const { accessToken, expiresAtMs, refreshToken } = fieldsOf(tokens);
  if (!isText(service) || !isText(issuer) || !isText(clientId) || !isText(scope) || !isText(accessToken))
    return undefined;
  return {
    service,
    provider: { issuer, clientId, scope, audience: isText(audience) ? audience : undefined },
    tokens: {
      accessToken,
      expiresAtMs: typeof expiresAtMs === "number" ? expiresAtMs : undefined,
      refreshToken: isText(refreshToken) ? refreshToken : undefined,
    },
  };
}

/** Whether a text has the form of a signed JWT with a subject; so a header can carry it. */
export function isJwt(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text) && subjectOf(text) !== undefined;
}

/** The subject of an access token, for people; undefined: it has none. Nothing is verified. */
export function subjectOf(accessToken: string): string | undefined {
  const [, claims = ""] = accessToken.split(".");
  try {
    const { sub } = fieldsOf(JSON.parse(Buffer.from(claims, "base64url").toString("utf8")));
    return isText(sub) ? sub : undefined;
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
