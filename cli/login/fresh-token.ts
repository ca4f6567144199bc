import { exitCodes } from "../exit-code.ts";
import { UserError } from "../user-error.ts";
import type { Login, Tokens } from "./login.ts";
import { readLogin, writeLogin } from "./login-file.ts";
import { lockLogin } from "./login-lock.ts";
import { connectProvider, providerTrouble, tokensIn } from "./provider-client.ts";

/** A token that expires sooner is replaced before it is sent: it must not expire on its way. */
const marginMs = 30_000;

/** The access token of a login, which is good now. */
export type FreshToken = () => Promise<string>;

/**
 * Gives out the access token in the file and replaces it when it is about to expire. `conceal` is called with
 * each token: no message may show one. @throws UserError where the login has expired
 */
export function freshTokenOf(path: string, service: string, conceal: (token: string) => void): FreshToken {
  let known: Login | undefined;
  let renewing: Promise<Login> | undefined;
  let concealed = "";

  async function renew(): Promise<Login> {
    known = await renewedLogin(path, service).finally(() => {
      renewing = undefined;
    });
    return known;
  }

  return async () => {
    known ??= await readLogin(path, service);
    if (known === undefined) throw noLogin(service);
    if (!isFresh(known.tokens)) {
      renewing ??= renew();
      known = await renewing.catch((error: unknown) => whileGood(known, error));
    }
    const { accessToken } = known.tokens;
    if (accessToken !== concealed) conceal(accessToken);
    concealed = accessToken;
    return accessToken;
  };
}

/**
 * One command at a time: many providers accept a refresh token once, and end the login where it is used
 * twice.
 */
async function renewedLogin(path: string, service: string): Promise<Login> {
  const lock = await lockLogin(path);
  try {
    const login = await readLogin(path, service);
    if (login === undefined) throw noLogin(service);
    // Another command has renewed it while this one waited.
    if (isFresh(login.tokens)) return login;
    const renewed = { ...login, tokens: await renewedTokens(login) };
    await writeLogin(path, renewed);
    return renewed;
  } finally {
    await lock.release();
  }
}

async function renewedTokens({ provider, tokens, service }: Login): Promise<Tokens> {
  if (tokens.refreshToken === undefined) {
    throw new UserError(`the login to ${service} has expired`, {
      hint: "coupon login makes a new one; with the scope offline_access it lasts longer",
      exitCode: exitCodes.denied,
    });
  }
  try {
    const { library, configuration, parameters } = await connectProvider(provider);
    // The scope stays the one that was granted.
    const { scope: _, ...target } = parameters;
    return tokensIn(await library.refreshTokenGrant(configuration, tokens.refreshToken, target), tokens);
  } catch (error) {
    throw providerTrouble(error, provider.issuer);
  }
}

function isFresh({ expiresAtMs }: Tokens): boolean {
  return expiresAtMs === undefined || Date.now() < expiresAtMs - marginMs;
}

/** A provider that is away takes nothing from a token that is still good. */
function whileGood(login: Login | undefined, error: unknown): Login {
  if (login !== undefined && Date.now() < (login.tokens.expiresAtMs ?? 0)) return login;
  throw error;
}

function noLogin(service: string): UserError {
  return new UserError(`there is no login to ${service}`, {
    hint: "coupon login makes one",
    exitCode: exitCodes.denied,
  });
}
