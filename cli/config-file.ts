import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { UserError } from "./user-error.ts";

/** What a profile may set; all of it may be absent. */
export interface Profile {
  readonly url?: string;
  readonly token?: string;
  /** Milliseconds, as --timeout. */
  readonly timeout?: number;
  readonly retries?: number;
}

export interface ConfigFile {
  readonly path: string;
  /** False: there is none, and nothing is wrong with that. */
  readonly exists: boolean;
  /** The profile that is used where none is named. */
  readonly profile: string | undefined;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** True: it holds a token, and others on this machine may read it. */
  readonly exposesToken: boolean;
}

const textSettings = ["url", "token"] as const;
const numberSettings = ["timeout", "retries"] as const;
const maxBytes = 1_000_000;

/** COUPON_CONFIG, else coupon/config.json in $XDG_CONFIG_HOME, else in ~/.config. */
export function configPath(env: NodeJS.ProcessEnv): string {
  if (env["COUPON_CONFIG"]) return env["COUPON_CONFIG"];
  const base = env["XDG_CONFIG_HOME"];
  // The XDG specification: a relative path there is to be ignored.
  const folder = base !== undefined && isAbsolute(base) ? base : join(env["HOME"] || homedir(), ".config");
  return join(folder, "coupon", "config.json");
}

/** @throws UserError where there is a file that cannot be used: a setting that is misspelt must not be passed over in silence */
export function readConfigFile(env: NodeJS.ProcessEnv): ConfigFile {
  const path = configPath(env);
  const text = readText(path);
  if (text === undefined) {
    if (env["COUPON_CONFIG"]) {
      throw new UserError(`COUPON_CONFIG: there is no file "${path}"`, { hint: "correct or unset it" });
    }
    return { path, exists: false, profile: undefined, profiles: new Map(), exposesToken: false };
  }
  const file = objectOf(path, parse(path, text), "the file", ["profile", "profiles"]);
  const profiles = new Map<string, Profile>();
  for (const [name, value] of Object.entries(objectOf(path, file["profiles"] ?? {}, "profiles"))) {
    profiles.set(name, profileOf(path, name, value));
  }
  const profile = file["profile"];
  if (profile !== undefined && typeof profile !== "string") throw mistake(path, '"profile" is not a text');
  const holdsToken = [...profiles.values()].some(({ token }) => token !== undefined);
  return { path, exists: true, profile, profiles, exposesToken: holdsToken && othersMayRead(path) };
}

function readText(path: string): string | undefined {
  try {
    if (statSync(path).size > maxBytes) throw mistake(path, "it is larger than 1 MB");
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (error instanceof UserError) throw error;
    throw mistake(path, `it cannot be read (${code || String(error)})`);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    // The parser's own words would quote the file, and a token with it.
    throw mistake(path, "it is not JSON");
  }
}

function profileOf(path: string, name: string, value: unknown): Profile {
  const settings = objectOf(path, value, `profile "${name}"`, [...textSettings, ...numberSettings]);
  for (const key of textSettings) {
    const given = settings[key];
    if (given !== undefined && (typeof given !== "string" || given === "")) {
      throw mistake(path, `"${key}" of profile "${name}" is not a text`);
    }
  }
  for (const key of numberSettings) {
    const given = settings[key];
    if (given !== undefined && typeof given !== "number") {
      throw mistake(path, `"${key}" of profile "${name}" is not a number`);
    }
  }
  if (settings["token"] !== undefined && settings["url"] === undefined) {
    throw mistake(
      path,
      `profile "${name}" has a token and no url`,
      "say with url which service the token is for",
    );
  }
  return settings;
}

function objectOf(
  path: string,
  value: unknown,
  what: string,
  allowed?: readonly string[],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw mistake(path, `${what} is not an object`);
  }
  const entries: Record<string, unknown> = { ...value };
  const unknown = Object.keys(entries).find((key) => allowed !== undefined && !allowed.includes(key));
  if (unknown !== undefined) {
    throw mistake(path, `${what} has "${unknown}"`, `it may have ${allowed?.join(", ")}`);
  }
  return entries;
}

function mistake(path: string, why: string, hint = "coupon config --help shows an example"): UserError {
  return new UserError(`config file ${path}: ${why}`, { hint });
}

function othersMayRead(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
}
