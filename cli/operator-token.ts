import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { settingOf, withoutLineEnd } from "../runtime/setting.ts";
import type { Profile } from "./config-schema.ts";
import { type PipedFile, readPipedFile } from "./piped-file.ts";
import { UserError } from "./user-error.ts";

/** A token as it was given, and where. */
export interface GivenToken {
  readonly text: string;
  readonly origin: string;
  readonly warning?: string;
}

/** What stands for standard input in `--token-file`. */
export const standardInput = "-";

const maxBytes = 64 * 1024;
/**
 * The token of the flags, else that of the environment: itself, or in a file. `fromStdin`: what standard
 * input held, where `--token-file -` asks for it.
 */
export function givenToken(
  options: { readonly token?: unknown; readonly tokenFile?: unknown },
  env: NodeJS.ProcessEnv,
  fromStdin: string | undefined,
): GivenToken | undefined {
  const { token, tokenFile } = options;
  if (typeof token === "string" && typeof tokenFile === "string") throw bothGiven("--token", "--token-file");
  if (typeof token === "string") return { text: withoutLineEnd(token), origin: "--token" };
  if (tokenFile === standardInput) return tokenIn(fromStdin ?? "", "--token-file");
  if (typeof tokenFile === "string") return tokenInFile(tokenFile, "--token-file");
  const [text, path] = [settingOf(env, "COUPON_TOKEN"), settingOf(env, "COUPON_TOKEN_FILE")];
  if (text !== undefined && path !== undefined) throw bothGiven("COUPON_TOKEN", "COUPON_TOKEN_FILE");
  if (text !== undefined) return { text, origin: "COUPON_TOKEN" };
  return path === undefined ? undefined : tokenInFile(path, "COUPON_TOKEN_FILE");
}

/** The token of a profile. Its file is looked for from the folder of the config file on. */
export function profileToken(
  { token, tokenFile }: Profile,
  origin: string,
  configPath: string,
  env: NodeJS.ProcessEnv,
): GivenToken | undefined {
  if (token !== undefined) return { text: withoutLineEnd(token), origin };
  if (tokenFile === undefined) return undefined;
  const path = tokenFile.startsWith("~/") ? join(env["HOME"] || homedir(), tokenFile.slice(2)) : tokenFile;
  return tokenInFile(resolve(dirname(configPath), path), origin);
}

/** Reads standard input to its end, for `--token-file -`. */
export async function tokenFromStdin(stdin: Readable & { readonly isTTY?: boolean }): Promise<string> {
  if (stdin.isTTY === true) {
    throw new UserError("--token-file -: standard input is a terminal, which would show the token", {
      hint: "give a file, or a pipe, as in: pass show coupon | coupon list --token-file -",
    });
  }
  let text = "";
  for await (const part of stdin) {
    text += String(part);
    if (text.length > maxBytes) break;
  }
  return text;
}

function tokenInFile(path: string, origin: string): GivenToken {
  let read: PipedFile;
  try {
    read = readPipedFile(path, maxBytes);
  } catch (error) {
    throw unreadable(path, origin, error);
  }
  const given = tokenIn(read.text, origin);
  // A pipe, as the shell makes one for <(…), is the user's own.
  const isExposed = process.platform !== "win32" && read.stats.isFile() && (read.stats.mode & 0o077) !== 0;
  const warning = `others can read the token in ${path}; run chmod 600 ${path}`;
  return isExposed ? { ...given, warning } : given;
}

function tokenIn(text: string, origin: string): GivenToken {
  const token = withoutLineEnd(text);
  if (token !== "" && text.length <= maxBytes) return { text: token, origin };
  throw new UserError(
    `${origin}: ${token === "" ? "there is no token in it" : "it is too long for a token"}`,
    {
      hint: "the file holds the token alone",
    },
  );
}

function unreadable(path: string, origin: string, cause: unknown): UserError {
  const { code = "unknown error" } = cause as NodeJS.ErrnoException;
  return new UserError(`${origin}: the file "${path}" cannot be read (${code})`, {
    hint: "check its path and who may read it",
    cause,
  });
}

function bothGiven(one: string, other: string): UserError {
  return new UserError(`${one} and ${other} are both given`, { hint: "give one of them" });
}
