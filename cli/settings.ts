import { UserError } from "./user-error.ts";
import { systemZone } from "./zone.ts";

/** Everything the commands need from the environment and the global options, read once. */
export interface Settings {
  readonly url: string;
  readonly token: string | undefined;
  readonly json: boolean;
  /** For each try of a call; for streams the longest silence. */
  readonly timeoutMs: number;
  /** How often a call is tried again; undefined: the default of the kind of call. */
  readonly retries: number | undefined;
  readonly zone: string;
}

export interface GlobalOptions {
  readonly url?: unknown;
  readonly token?: unknown;
  readonly json?: unknown;
  readonly timeout?: unknown;
  readonly retries?: unknown;
}

const defaultUrl = "http://127.0.0.1:8080";
const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 600_000;
const maxRetries = 100;

export function readSettings(options: GlobalOptions, env: NodeJS.ProcessEnv): Settings {
  const token = textOf(options.token) ?? (env["COUPON_TOKEN"] || undefined);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new UserError("the token holds characters that a header cannot carry", {
      hint: "check --token or COUPON_TOKEN for spaces and line ends",
    });
  }
  return {
    url: serviceUrl(textOf(options.url) ?? (env["COUPON_URL"] || defaultUrl)),
    token,
    json: options.json === true,
    timeoutMs: wholeNumber("--timeout", textOf(options.timeout), 1, maxTimeoutMs) ?? defaultTimeoutMs,
    retries: wholeNumber("--retries", textOf(options.retries), 0, maxRetries),
    zone: systemZone(),
  };
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
  if (!(value >= min && value <= max)) {
    throw new UserError(`${option}: "${text}" is not a whole number from ${min} to ${max}`);
  }
  return value;
}

/** True: what is sent to this URL does not leave the machine, or is encrypted. */
export function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function serviceUrl(text: string): string {
  const hint = `give for example ${defaultUrl} with --url or COUPON_URL`;
  if (!URL.canParse(text)) throw new UserError(`"${text}" is not a URL`, { hint });
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new UserError(`"${text}" is not an http or https URL`, { hint });
  }
  if (url.username !== "" || url.password !== "") {
    throw new UserError("the URL holds a user or password", { hint: "give the token with COUPON_TOKEN" });
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
