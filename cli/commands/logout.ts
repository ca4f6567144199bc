import type { Action } from "../command.ts";
import type { Login } from "../login/login.ts";
import { readLogin, removeLogin } from "../login/login-file.ts";
import { lockLogin } from "../login/login-lock.ts";
import { connectProvider, providerTrouble } from "../login/provider-client.ts";
import { printable } from "../render.ts";
import type { LocalSession } from "../session.ts";
import { UserError } from "../user-error.ts";

export const action: Action<LocalSession> = {
  async run({ settings, output }) {
    const { url, login } = settings;
    const tell = (text: string) => output.note(text);
    const wasThere = await forget(login.path, url, tell);
    if (output.json) await output.write(`${JSON.stringify({ url, loggedOut: wasThere })}\n`);
    else await output.write(`${wasThere ? "logged out of" : "there was no login to"} ${printable(url)}\n`);
  },
};

/** Removes the file in any case: what the provider says to it comes second. */
async function forget(path: string, url: string, tell: (text: string) => void): Promise<boolean> {
  let known: Login | undefined;
  try {
    known = await readLogin(path, url);
    if (known === undefined) return false;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    tell(error.message);
  }
  const lock = await lockLogin(path);
  try {
    // Renewed meanwhile, perhaps.
    known = known && (await readLogin(path, url));
    await removeLogin(path);
  } finally {
    await lock.release();
  }
  if (known !== undefined) await revoke(known).catch((error: unknown) => tell(notRevoked(error)));
  return true;
}

/**
 * Ends the login at the provider, where it offers that (RFC 7009): with the refresh token, all that came of
 * it.
 */
async function revoke({ provider, tokens }: Login): Promise<void> {
  const { library, configuration } = await connectProvider(provider);
  if (configuration.serverMetadata().revocation_endpoint === undefined) return;
  const { refreshToken, accessToken } = tokens;
  const [token, hint] =
    refreshToken === undefined ? [accessToken, "access_token"] : [refreshToken, "refresh_token"];
  await library
    .tokenRevocation(configuration, token, { token_type_hint: hint })
    .catch((error: unknown) => Promise.reject(providerTrouble(error, provider.issuer)));
}

function notRevoked(error: unknown): string {
  const why = error instanceof UserError ? error.message : "an unexpected answer";
  return `the login is removed here, and may still be good at the provider: ${why}`;
}
