import type { Action, Input } from "../command.ts";
import { deviceLogin } from "../login/device-login.ts";
import { type Login, type Provider, subjectOf } from "../login/login.ts";
import { prepareLoginFolder, readLogin, writeLogin } from "../login/login-file.ts";
import { lockLogin } from "../login/login-lock.ts";
import { factLines, instantText, printable } from "../render.ts";
import type { LocalSession } from "../session.ts";
import { isPrivate, type Settings } from "../settings.ts";
import { UserError } from "../user-error.ts";

const defaultScope = "openid offline_access";

export const action: Action<LocalSession> = {
  async run({ settings, output, signal }, input) {
    const { url, login, zone } = settings;
    if (!isPrivate(url)) {
      throw new UserError(`the tokens of a login would go to ${url} unencrypted`, {
        hint: "give an https URL",
      });
    }
    const provider = await providerOf(settings, input);
    // Before the operator goes to a browser.
    await prepareLoginFolder(login.path);
    const tokens = await deviceLogin(provider, { tell: output.note, signal });
    const lock = await lockLogin(login.path);
    try {
      await writeLogin(login.path, { service: url, provider, tokens });
    } finally {
      await lock.release();
    }
    const { expiresAtMs, refreshToken, accessToken } = tokens;
    const subject = subjectOf(accessToken) ?? "";
    if (output.json) {
      const expiresAt = expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
      const told = {
        url,
        issuer: provider.issuer,
        subject,
        ...expiresAt,
        renewed: refreshToken !== undefined,
      };
      await output.write(`${JSON.stringify({ ...told, file: login.path })}\n`);
      return;
    }
    const until = expiresAtMs === undefined ? "the provider did not say" : instantText(expiresAtMs, zone);
    await output.write(
      factLines([
        ["logged in to", printable(url)],
        ["as", `${printable(subject)} of ${printable(provider.issuer)}`],
        ["token until", refreshToken === undefined ? until : `${until}; renewed by itself`],
        ["kept in", printable(login.path)],
      ]),
    );
    const other = settings.token === undefined ? undefined : settings.origins.token;
    if (other !== undefined) output.note(`the token of ${printable(other)} takes precedence over the login`);
  },
};

/** A flag wins over the environment, the environment over the profile, the profile over the last login. */
async function providerOf({ login, url }: Settings, input: Input): Promise<Provider> {
  const last: Partial<Provider> = (await lastLogin(login.path, url))?.provider ?? {};
  const { asked } = login;
  const issuer = input.text("--issuer") ?? asked.issuer ?? last.issuer;
  const clientId = input.text("--client-id") ?? asked.clientId ?? last.clientId;
  if (issuer === undefined) throw missing("the issuer", "--issuer, COUPON_OIDC_ISSUER");
  if (clientId === undefined) throw missing("the client id", "--client-id, COUPON_OIDC_CLIENT_ID");
  // What was said about another provider is not about this one.
  const kept = last.issuer === issuer ? last : {};
  return {
    ...{ issuer, clientId },
    scope: input.text("--scope") ?? asked.scope ?? kept.scope ?? defaultScope,
    audience: input.text("--audience") ?? asked.audience ?? kept.audience,
  };
}

/** A damaged login is replaced. */
async function lastLogin(path: string, url: string): Promise<Login | undefined> {
  try {
    return await readLogin(path, url);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function missing(what: string, places: string): UserError {
  return new UserError(`${what} of the identity provider is missing`, {
    hint: `give it with ${places} or the profile's "login"; the service's administrator knows it`,
  });
}
