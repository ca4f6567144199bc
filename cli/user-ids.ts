import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { Input } from "./command.ts";
import { unreadable } from "./file-trouble.ts";
import type { LocalSession } from "./session.ts";
import { UserError } from "./user-error.ts";

const idsMax = 1_000_000;
/** Far longer than any list of so many ids. */
const bytesMax = 256 * 1024 * 1024;
const hint = "give --users FILE (- for standard input) or --user ID";

/** The user ids of `--user` or `--users`, each once, exactly as they are written. @throws UserError */
export async function userIdsOf({ stdin }: Pick<LocalSession, "stdin">, input: Input): Promise<string[]> {
  const one = input.text("--user");
  const file = input.text("--users");
  if ((one === undefined) === (file === undefined))
    throw new UserError(one === undefined ? "no user is given" : "--user and --users are both given", {
      hint,
    });
  if (one !== undefined) return [one];
  const path = file as string;
  const text = await readAll(path === "-" ? stdin : createReadStream(path)).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw unreadable(path, error, "--users");
  });
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const ids = [...new Set(lines.filter((line) => line.trim() !== ""))];
  if (ids.length === 0) throw new UserError("--users: there is no user id in it", { hint });
  if (ids.length > idsMax)
    throw new UserError(`--users: more than ${idsMax} user ids`, { hint: "give them in several files" });
  return ids;
}

async function readAll(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    const buffer = Buffer.from(part as Buffer);
    bytes += buffer.length;
    if (bytes > bytesMax)
      throw new UserError(`--users: more than ${bytesMax} bytes`, { hint: "give them in several files" });
    parts.push(buffer);
  }
  return Buffer.concat(parts).toString("utf8");
}
