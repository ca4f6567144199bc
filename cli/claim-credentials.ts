import { createHmac, randomUUID } from "node:crypto";
import { ClaimAuth } from "../proto/gen/coupon/v1/campaign_pb.ts";
import { isSendable, SENDABLE, settingOf, withoutLineEnd } from "../runtime/setting.ts";
import { readPipedFile } from "./piped-file.ts";
import { UserError } from "./user-error.ts";

/** The credentials with which this command claims, and what it makes tokens with. */
export interface ClaimSettings {
  /** A token, or a server-to-server key; sent with calls of the callers' service. */
  readonly credential: string | undefined;
  readonly secret: string | undefined;
  readonly secretFile: string | undefined;
  readonly audience: string | undefined;
}

export function readClaimSettings(env: NodeJS.ProcessEnv): ClaimSettings {
  const credential = settingOf(env, "COUPON_CLAIM_TOKEN");
  if (credential !== undefined && !isSendable(credential)) {
    throw new UserError(`COUPON_CLAIM_TOKEN must be ${SENDABLE}: nothing else can be sent in a header`, {
      hint: "coupon token issue writes one",
    });
  }
  return {
    credential,
    secret: settingOf(env, "CLAIM_TOKEN_SECRET"),
    secretFile: settingOf(env, "CLAIM_TOKEN_SECRET_FILE"),
    audience: settingOf(env, "CLAIM_TOKEN_AUDIENCE"),
  };
}

/** As much as the service reads of it. */
const secretMaxBytes = 64 * 1024;

/** Makes the token of a user. `campaignId` undefined: for every campaign. */
export type MakeToken = (
  userId: string,
  limits: { readonly campaignId?: string | undefined; readonly expiresAtMs: number },
) => string;

/**
 * Makes tokens as a shop's backend does, signed with HS256. Of several secrets the first signs, as the
 * newest.
 * @throws UserError where the secret or the audience is missing
 */
export function tokenMaker(settings: ClaimSettings): MakeToken {
  const secret = secretOf(settings)?.trim().split(/\s+/)[0];
  if (secret === undefined || secret === "") {
    throw new UserError("the secret that tokens are signed with is missing", {
      hint: "give --secret-file, or CLAIM_TOKEN_SECRET or CLAIM_TOKEN_SECRET_FILE as the service has it",
    });
  }
  const { audience } = settings;
  if (audience === undefined) {
    throw new UserError("the audience of the token is missing", {
      hint: "give --audience, or CLAIM_TOKEN_AUDIENCE as the service has it",
    });
  }
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = encoded({ alg: "HS256", typ: "JWT" });
  return (userId, { campaignId, expiresAtMs }) => {
    const campaign = campaignId === undefined ? {} : { campaign_id: campaignId };
    const times = { iat: Math.floor(Date.now() / 1_000), exp: Math.ceil(expiresAtMs / 1_000) };
    const claims = { sub: userId, aud: audience, ...times, jti: randomUUID(), ...campaign };
    const input = `${head}.${encoded(claims)}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
}

function secretOf({ secret, secretFile }: ClaimSettings): string | undefined {
  if (secretFile === undefined) return secret;
  try {
    const { text } = readPipedFile(secretFile, secretMaxBytes);
    if (text.length <= secretMaxBytes) return withoutLineEnd(text);
  } catch (cause) {
    const { code = "unknown error" } = cause as NodeJS.ErrnoException;
    throw new UserError(`the file of the secret cannot be read (${code})`, { hint: "check its path", cause });
  }
  throw new UserError("the file of the secret is too long for one", { hint: "it holds the secret alone" });
}

/**
 * The `authorization` of each synthetic user of a rehearsal; undefined: none is needed.
 * @throws UserError where the campaign demands what this command has not been given
 */
export function crowdCredentials(
  settings: ClaimSettings,
  claimAuth: ClaimAuth,
  { campaignId, expiresAtMs }: { readonly campaignId: string; readonly expiresAtMs: number },
): ((userId: string) => string) | undefined {
  const { credential } = settings;
  const isKey = credential !== undefined && !credential.includes(".");
  if (isKey && claimAuth !== ClaimAuth.TOKEN) return () => `Bearer ${credential}`;
  if (settings.secret !== undefined || settings.secretFile !== undefined) {
    const makeToken = tokenMaker(settings);
    return (userId) => `Bearer ${makeToken(userId, { campaignId, expiresAtMs })}`;
  }
  if (claimAuth !== ClaimAuth.KEY && claimAuth !== ClaimAuth.TOKEN) return undefined;
  const needed = claimAuth === ClaimAuth.TOKEN ? "a token" : "a key";
  throw new UserError(`this campaign demands ${needed} of every claim, and the rehearsal has none`, {
    hint:
      claimAuth === ClaimAuth.TOKEN
        ? "give CLAIM_TOKEN_SECRET_FILE and CLAIM_TOKEN_AUDIENCE, for tokens of its synthetic users"
        : "give the key in COUPON_CLAIM_TOKEN",
  });
}
