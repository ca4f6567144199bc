import type { Configuration } from "openid-client";
import { TooLong } from "../../runtime/bounded-text.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import { isSafeUrl } from "../../runtime/safe-url.ts";
import { exitCodes } from "../exit-code.ts";
import { codeOf } from "../file-trouble.ts";
import { printable } from "../render.ts";
import { UserError } from "../user-error.ts";
import { isJwt, type Provider, type Tokens } from "./login.ts";
import { createProviderFetch } from "./provider-fetch.ts";

type Library = typeof import("openid-client");

/** The identity provider as its discovery document describes it, for a client without a secret. */
export interface ProviderClient {
  readonly library: Library;
  readonly configuration: Configuration;
  /** What a request for a token says about what it is for. */
  readonly parameters: Readonly<Record<string, string>>;
}

const timeoutSeconds = 10;

/** Loaded only here: a command that needs no new token starts without the library. */
export async function connectProvider(provider: Provider): Promise<ProviderClient> {
  const { issuer, clientId, scope, audience } = provider;
  if (!isSafeUrl(issuer)) {
    throw new UserError(`the issuer "${issuer}" must be an https:// URL without user and password`, {
      hint: "give it as the provider's discovery document has it, with --issuer",
    });
  }
  const library = await import("openid-client");
  const isLocal = isLoopback(new URL(issuer).hostname);
  try {
    const configuration = await library.discovery(new URL(issuer), clientId, undefined, library.None(), {
      timeout: timeoutSeconds,
      execute: isLocal ? [library.allowInsecureRequests] : [],
      [library.customFetch]: createProviderFetch(),
    });
    demandSafeEndpoints(configuration, issuer);
    // `resource` where it can be one (RFC 8707); some providers have a parameter of their own.
    const resource = audience !== undefined && URL.canParse(audience) ? { resource: audience } : {};
    const parameters = { scope, ...(audience === undefined ? {} : { audience }), ...resource };
    return { library, configuration, parameters };
  } catch (error) {
    throw providerTrouble(error, issuer);
  }
}

const endpoints = ["token_endpoint", "device_authorization_endpoint", "revocation_endpoint"] as const;

/** Codes and tokens are sent there. The library allows http everywhere once it does for a local issuer. */
function demandSafeEndpoints(configuration: Configuration, issuer: string): void {
  const metadata = configuration.serverMetadata();
  for (const name of endpoints) {
    const url = metadata[name];
    if (url === undefined || isSafeUrl(url)) continue;
    throw new UserError(`the ${name} of ${issuer} must be an https:// URL without user and password`, {
      hint: "ask its administrator",
    });
  }
}

/** The server reads heads of 16 KiB. */
const tokenLengthMax = 12 * 1024;

/** The tokens of an answer of the provider. `before`: those that they replace. */
export function tokensIn(
  answer: { readonly access_token: string; readonly refresh_token?: string; expiresIn(): number | undefined },
  before?: Tokens,
): Tokens {
  const wrong = wrongWith(answer.access_token);
  if (wrong !== undefined) {
    throw new UserError(
      `the provider issued an access token that is ${wrong}, and the service accepts none such`,
      {
        hint: "give the audience of the service with --audience, or the scope that stands for it with --scope",
      },
    );
  }
  const seconds = answer.expiresIn();
  return {
    accessToken: answer.access_token,
    expiresAtMs: seconds === undefined ? undefined : Date.now() + seconds * 1_000,
    // A provider that does not rotate it sends none: the old one stays good.
    refreshToken: answer.refresh_token ?? before?.refreshToken,
  };
}

function wrongWith(accessToken: string): string | undefined {
  if (accessToken.length > tokenLengthMax) return "too long";
  return isJwt(accessToken) ? undefined : "no JWT";
}

/**
 * Errors of the protocol (RFC 6749, section 5.2; RFC 8628, section 3.5) that an operator can do something
 * about.
 */
const refusals: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  access_denied: ["the login was denied at the provider", "start again with coupon login"],
  expired_token: ["nobody entered the code in time", "start again with coupon login"],
  invalid_grant: ["the login has expired or was withdrawn", "coupon login makes a new one"],
  invalid_client: ["the provider does not know this client", "give the right --client-id"],
  unauthorized_client: [
    "the provider does not allow this client to log in by a device code",
    "allow it the device authorization grant, as a public client",
  ],
  unsupported_grant_type: ["the provider has no login by a device code", "use an operator's key"],
  invalid_scope: ["the provider does not know the scope", "give another --scope"],
  invalid_target: ["the provider does not know the audience", "give another --audience"],
};

/** An error of the library, as one that the operator can correct. Repeats no token. */
export function providerTrouble(error: unknown, issuer: string): UserError {
  if (error instanceof UserError) return error;
  // The library wraps what its `fetch` throws.
  const { cause } = Object(error) as { readonly cause?: unknown };
  if (cause instanceof TooLong) {
    return new UserError(`an answer of the identity provider ${issuer} is refused: ${cause.message}`, {
      hint: "ask its administrator",
      cause: error,
    });
  }
  const { error: refusal, error_description: why } = error as {
    error?: unknown;
    error_description?: unknown;
  };
  if (typeof refusal === "string") {
    const [message, hint] = refusals[refusal] ?? [
      `the provider refused: ${printable(refusal)}`,
      "ask its administrator",
    ];
    const said = typeof why === "string" ? ` (${printable(why)})` : "";
    return new UserError(message + said, { hint, exitCode: exitCodes.denied, cause: error });
  }
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isConformance = typeof code === "string" && code.startsWith("OAUTH_") && !isAway.has(code);
  if (isConformance) {
    return new UserError(
      `${issuer} does not answer as an OpenID Connect provider: ${printable(String(message))}`,
      {
        hint: "give the issuer as its discovery document has it, with --issuer",
        cause: error,
      },
    );
  }
  const network = cause instanceof DOMException ? undefined : codeOf(cause);
  return new UserError(
    `the identity provider ${issuer} cannot be reached${network === undefined ? "" : ` (${network})`}`,
    {
      hint: "try again, or use an operator's key with COUPON_TOKEN",
      exitCode: exitCodes.unavailable,
      cause: error,
    },
  );
}

const isAway: ReadonlySet<string> = new Set(["OAUTH_TIMEOUT", "OAUTH_ABORT"]);
