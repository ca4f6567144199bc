import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { submitForms } from "./web-forms.ts";

/** A real OpenID Connect provider on this machine. People log in without a password. */
export type TestProvider = {
  readonly issuer: string;
  /** The requests that reached it, as in "POST /token". */
  readonly requests: readonly string[];
  /** Enters a user code, as a person does in a browser: logs in as `login` and agrees. */
  approve(userCode: string, login: string): Promise<void>;
  deny(userCode: string): Promise<void>;
  close(): Promise<void>;
};

export type TestProviderOptions = {
  /** The roles of each person. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
  readonly accessTokenSeconds?: number;
  /** How long the provider says that a user code is good. */
  readonly codeSeconds?: number;
  /** False: access tokens are opaque. */
  readonly asJwt?: boolean;
  readonly port?: number;
};

export const CLIENT_ID = "coupon-cli";
/** RFC 8707: a resource is a URI. */
export const AUDIENCE = "https://coupons.test";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

export async function startProvider(options: TestProviderOptions = {}): Promise<TestProvider> {
  const { roles = {}, accessTokenSeconds = 3_600, codeSeconds = 600, asJwt = true, port = 0 } = options;
  const requests: string[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const configuration = {
    clients: [
      {
        ...{ client_id: CLIENT_ID, token_endpoint_auth_method: "none", application_type: "native" },
        ...{ grant_types: [DEVICE, "refresh_token"], redirect_uris: [], response_types: [] },
        id_token_signed_response_alg: "ES256",
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
    cookies: { keys: ["a key of this test"] },
    findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    extraTokenClaims: (_: unknown, { accountId = "" }: { readonly accountId?: string }) => ({
      roles: roles[accountId] ?? [],
      preferred_username: `the-${accountId}`,
    }),
    ttl: { AccessToken: accessTokenSeconds, DeviceCode: 600, RefreshToken: 86_400, IdToken: 3_600 },
    features: {
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => (asJwt ? AUDIENCE : []),
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          ...{ scope: "", audience: AUDIENCE, accessTokenTTL: accessTokenSeconds },
          ...{ accessTokenFormat: asJwt ? "jwt" : "opaque", jwt: { sign: { alg: "ES256" } } },
        }),
      },
    },
  };
  muteAdvice();
  const { Provider } = await import("oidc-provider");
  const provider = new Provider(issuer, configuration);
  provider.use(async (context, next) => {
    requests.push(`${context.method} ${context.path}`);
    await next();
    // A client waits so many seconds between two polls: by default five.
    if (context.path === "/device/auth" && typeof context.body === "object")
      context.body = { ...(context.body as object), interval: 1, expires_in: codeSeconds };
  });
  server.on("request", provider.callback());
  const enter = (userCode: string, answers: Record<string, string>) =>
    submitForms(`${issuer}/device?user_code=${userCode}`, answers);
  return {
    issuer,
    requests,
    async approve(userCode, login) {
      const page = await enter(userCode, { login, password: "x" });
      if (!page.includes("Sign-in Success")) throw new Error(`the code was not accepted: ${page}`);
    },
    async deny(userCode) {
      await enter(userCode, { abort: "yes" });
    },
    close: () => closed(server),
  };
}

/**
 * It advises against its defaults, and against Node 20, whenever it is used: no news in a report of tests.
 */
function muteAdvice(): void {
  for (const name of ["info", "warn"] as const) {
    const write = console[name];
    if (write.name === muted) continue;
    const filtered = (...words: unknown[]) => {
      if (!String(words[0]).includes("oidc-provider ")) write(...words);
    };
    Object.defineProperty(filtered, "name", { value: muted });
    console[name] = filtered;
  }
}

const muted = "withoutAdvice";

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
