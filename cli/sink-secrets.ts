import { randomBytes } from "node:crypto";
import { withoutLineEnd } from "../runtime/setting.ts";
import type { Input } from "./command.ts";
import { readPipedFile } from "./piped-file.ts";
import { UserError } from "./user-error.ts";

const maxBytes = 4_096;
const secretBytes = 32;

export function newWebhookSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString("base64")}`;
}

/** What `--secret-file` holds; undefined: it was not given. */
export async function secretIn(input: Input): Promise<string | undefined> {
  return textIn(input, "--secret-file");
}

/** The url of `--to`, or that in `--to-file`; undefined: neither was given. */
export async function urlIn(input: Input): Promise<string | undefined> {
  const given = input.text("--to");
  const inFile = textIn(input, "--to-file");
  if (given !== undefined && inFile !== undefined) throw new UserError("give --to or --to-file, not both");
  return given ?? inFile;
}

function textIn(input: Input, option: string): string | undefined {
  const path = input.text(option);
  if (path === undefined) return undefined;
  let text: string;
  try {
    ({ text } = readPipedFile(path === "-" ? "/dev/stdin" : path, maxBytes));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${option}: cannot be read: ${why}`);
  }
  const told = withoutLineEnd(text);
  if (told === "") throw new UserError(`${option}: there is nothing in it`);
  return told;
}
