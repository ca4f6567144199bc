import { statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { readSmallFileSync, UnreadableFile } from "../runtime/small-file.ts";
import type { Config, Profile } from "./config-schema.ts";
import { codeOf } from "./file-trouble.ts";
import { UserError } from "./user-error.ts";

export interface ConfigFile {
  readonly path: string;
  /** False: there is no file, which is no error. */
  readonly exists: boolean;
  /** The default profile. */
  readonly profile: string | undefined;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** True: the file holds a token, and other users of this machine may read it. */
  readonly exposesToken: boolean;
}

const maxBytes = 1_000_000;

/** The folder of this command: coupon in $XDG_CONFIG_HOME, else in ~/.config. */
export function configFolder(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_CONFIG_HOME"];
  // The XDG specification: a relative path in it is ignored.
  const folder = base !== undefined && isAbsolute(base) ? base : join(env["HOME"] || homedir(), ".config");
  return join(folder, "coupon");
}

/** COUPON_CONFIG, else config.json in the folder of this command. */
export function configPath(env: NodeJS.ProcessEnv): string {
  return env["COUPON_CONFIG"] || join(configFolder(env), "config.json");
}

/** @throws UserError where there is a file that cannot be used */
export async function readConfigFile(env: NodeJS.ProcessEnv): Promise<ConfigFile> {
  const path = configPath(env);
  const text = readText(path);
  if (text === undefined) {
    if (env["COUPON_CONFIG"]) {
      throw new UserError(`COUPON_CONFIG: there is no file "${path}"`, { hint: "correct or unset it" });
    }
    return { path, exists: false, profile: undefined, profiles: new Map(), exposesToken: false };
  }
  const { profile, profiles } = await configIn(path, parse(path, text));
  const holdsToken = [...profiles.values()].some(({ token }) => token !== undefined);
  return { path, exists: true, profile, profiles, exposesToken: holdsToken && othersMayRead(path) };
}

function readText(path: string): string | undefined {
  try {
    return readSmallFileSync(path, maxBytes).toString("utf8");
  } catch (error) {
    const cause = error instanceof UnreadableFile ? error.cause : undefined;
    if (["ENOENT", "ENOTDIR"].includes(codeOf(cause) ?? "")) return undefined;
    throw error instanceof UnreadableFile ? mistake(path, `it ${error.message}`) : error;
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    // The parser's own message would quote the file, which may hold a token.
    throw mistake(path, "it is not JSON");
  }
}

async function configIn(path: string, value: unknown): Promise<Config> {
  // Loaded only where there is a file: zod takes 10 ms to load, for which most scripts need not wait.
  const { ConfigMistake, configOf } = await import("./config-schema.ts");
  try {
    return configOf(value);
  } catch (error) {
    throw error instanceof ConfigMistake ? mistake(path, error.message, error.hint) : error;
  }
}

function mistake(path: string, why: string, hint = "coupon config --help shows an example"): UserError {
  return new UserError(`config file ${path}: ${why}`, { hint });
}

function othersMayRead(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
}
