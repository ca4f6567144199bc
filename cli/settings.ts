import { hostname, userInfo } from "node:os";
import { grouped, limitBroken } from "../runtime/counting.ts";
import { isLoopback } from "../runtime/loopback.ts";
import { isSendable, SENDABLE, settingOf, withoutLineEnd } from "../runtime/setting.ts";
import { unknownZone } from "../runtime/time-zone.ts";
import { type ClaimSettings, readClaimSettings } from "./claim-credentials.ts";
import { type ClientCertificate, readClientCertificate } from "./client-certificate.ts";
import type { ConfigFile } from "./config-file.ts";
import type { Profile } from "./config-schema.ts";
import { type LoginSettings, readLoginSettings } from "./login/login-settings.ts";
import { givenToken, profileToken } from "./operator-token.ts";
import { UserError } from "./user-error.ts";
import { systemZone } from "./zone.ts";

/** Everything the commands need from the environment, the config file and the global options, read once. */
export interface Settings {
  readonly url: string;
  /** Where callers are served; another URL where operators have a port of their own. */
  readonly publicUrl: string;
  readonly token: string | undefined;
  readonly json: boolean;
  /** The time-out of each try of a call; of streams, the longest silence. */
  readonly timeoutMs: number;
  /** The number of retries; undefined: the default for the kind of call. */
  readonly retries: number | undefined;
  readonly zone: string;
  /** The operator's name for the history, as given; it is not checked. */
  readonly actor: string;
  /** The profile in effect; undefined: none. */
  readonly profile: string | undefined;
  readonly configFile: ConfigFile;
  /** For claims and look-ups of coupons. */
  readonly claim: ClaimSettings;
  /** What coupon login made or is to make for this URL. */
  readonly login: LoginSettings;
  /** For a port that demands one; undefined: none. */
  readonly clientCertificate: ClientCertificate | undefined;
  /**
   * Where each setting comes from, in the operator's words: "--url", "COUPON_URL", "profile local", a file,
   * "default".
   */
  readonly origins: Readonly<Record<SettingName, string>>;
  /** Warnings about these settings, for the operator. */
  readonly warnings: readonly string[];
}

export type SettingName = "profile" | "url" | "token" | "timeout" | "retries" | "actor" | "zone";

export interface GlobalOptions {
  readonly url?: unknown;
  readonly token?: unknown;
  readonly tokenFile?: unknown;
  readonly profile?: unknown;
  readonly json?: unknown;
  readonly timeout?: unknown;
  readonly retries?: unknown;
}

interface Found {
  readonly text: string | undefined;
  readonly origin: string;
}

const defaultUrl = "http://127.0.0.1:8080";
const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 600_000;
const maxRetries = 100;
const nothing: Found = { text: undefined, origin: "default" };

/**
 * A flag wins over the environment, the environment over the config file, the file over the default; for each
 * setting separately. `fromStdin`: see `givenToken`.
 */
export function readSettings(
  options: GlobalOptions,
  env: NodeJS.ProcessEnv,
  file: ConfigFile,
  fromStdin?: string,
): Settings {
  const given = (name: "profile" | "url" | "timeout" | "retries"): Found | undefined => {
    const flag = options[name];
    if (typeof flag === "string") return { text: withoutLineEnd(flag), origin: `--${name}` };
    const variable = `COUPON_${name.toUpperCase()}`;
    const text = settingOf(env, variable);
    return text === undefined ? undefined : { text, origin: variable };
  };
  const chosen =
    given("profile") ?? (file.profile === undefined ? nothing : { text: file.profile, origin: file.path });
  const profile = profileNamed(chosen, file);
  const inProfile = (name: keyof Profile): Found => {
    const value = profile?.[name];
    return value === undefined
      ? nothing
      : { text: withoutLineEnd(String(value)), origin: `profile ${chosen.text}` };
  };
  const urlFound = given("url") ?? inProfile("url");
  const url = serviceUrl(urlFound.text ?? defaultUrl, urlFound.origin);
  const publicText = settingOf(env, "COUPON_PUBLIC_URL");
  const timeout = given("timeout") ?? inProfile("timeout");
  const retries = given("retries") ?? inProfile("retries");

  const warnings: string[] = [];
  const wanted =
    givenToken(options, env, fromStdin) ??
    (profile && profileToken(profile, `profile ${chosen.text}`, file.path, env));
  let token: Found = wanted ?? nothing;
  // The token in a profile is for that profile's URL: with another --url it must not be sent there.
  if (token.origin.startsWith("profile ") && profile?.url !== undefined) {
    const home = serviceUrl(profile.url, token.origin);
    if (url !== home) {
      warnings.push(
        `the token of ${token.origin} is for ${home} and is not sent to ${url}; give --token if it is to be`,
      );
      token = { text: undefined, origin: `not that of ${token.origin}, which is for ${home}` };
    }
  }
  if (wanted?.warning !== undefined) warnings.push(wanted.warning);
  const zone = unknownZone(env);
  if (zone !== undefined) {
    warnings.push(
      `TZ "${zone}" is no time zone that is known here: instants are shown in UTC; give one such as Asia/Seoul`,
    );
  }
  if (file.exposesToken) {
    warnings.push(`others can read the token in ${file.path}; run chmod 600 ${file.path}`);
  }
  return {
    url,
    publicUrl: publicText === undefined ? url : serviceUrl(publicText, "COUPON_PUBLIC_URL"),
    token: headerToken(token),
    json: options.json === true,
    timeoutMs: wholeNumber(timeout.origin, timeout.text, 1, maxTimeoutMs) ?? defaultTimeoutMs,
    retries: wholeNumber(retries.origin, retries.text, 0, maxRetries),
    zone: systemZone(),
    actor: env["COUPON_ACTOR"] || whoIsHere(),
    profile: chosen.text,
    configFile: file,
    claim: readClaimSettings(env),
    login: readLoginSettings(env, url, profile?.login),
    clientCertificate: readClientCertificate(env),
    origins: {
      profile: chosen.origin,
      url: urlFound.origin,
      token: token.origin,
      timeout: timeout.origin,
      retries: retries.origin,
      actor: env["COUPON_ACTOR"] ? "COUPON_ACTOR" : "system",
      zone: env["TZ"] ? "TZ" : "system",
    },
    warnings,
  };
}

/** The user and machine of this process; in a container the user may have no name. */
function whoIsHere(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100);
  } catch {
    return `uid${process.getuid?.() ?? ""}@${hostname()}`.slice(0, 100);
  }
}

function profileNamed({ text, origin }: Found, file: ConfigFile): Profile | undefined {
  if (text === undefined) return undefined;
  const profile = file.profiles.get(text);
  if (profile !== undefined) return profile;
  const there = [...file.profiles.keys()].join(", ");
  throw new UserError(`${origin}: there is no profile "${text}" in ${file.path}`, {
    hint: there === "" ? "coupon config --help shows how to write one" : `there are ${there}`,
  });
}

function headerToken({ text, origin }: Found): string | undefined {
  if (text === undefined || isSendable(text)) return text;
  throw new UserError(`the token of ${origin} must be ${SENDABLE}: nothing else can be sent in a header`, {
    hint: `check ${origin} for what came along when it was copied`,
  });
}

/** A whole number in a range, in digits, or undefined where none is given. */
export function wholeNumber(
  option: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const allowed = `${grouped(min)} to ${grouped(max)}`;
  if (Number.isNaN(value)) {
    throw new UserError(`${option}: "${text}" is not a whole number from ${allowed}`, {
      hint: "give it in digits",
    });
  }
  const limit = limitBroken(value, min, max);
  if (limit !== undefined)
    throw new UserError(`${option} is ${grouped(value)}: ${limit}`, { hint: `${allowed} are allowed` });
  return value;
}

/** True: requests to this URL stay on this machine, or are encrypted. */
export function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || isLoopback(hostname);
}

function serviceUrl(text: string, origin: string): string {
  const hint = `give for example ${defaultUrl} with --url or COUPON_URL`;
  if (!URL.canParse(text)) throw new UserError(`${origin}: "${text}" is not a URL`, { hint });
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new UserError(`${origin}: "${text}" is not an http or https URL`, { hint });
  }
  if (url.username !== "" || url.password !== "") {
    throw new UserError(`${origin}: the URL holds a user or password`, {
      hint: "give the token with COUPON_TOKEN",
    });
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}
