import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createPrivateFile, openPrivateFile, UnsafeFile } from "../runtime/private-file.ts";
import { LocalStackError } from "./store.ts";

const FILE = "store-password";
const PASSWORD = /^[0-9a-f]{64}$/;

export interface StorePassword {
  readonly password: string;
  /** For this user alone; programs are given its name, because every user can read a command line. */
  readonly file: string;
}

/**
 * The password of the stores of a data folder, made at their first start: other users of the machine can
 * connect to loopback too.
 */
export async function storePassword(dataDir: string): Promise<StorePassword> {
  const file = join(dataDir, FILE);
  try {
    const password = (await readPassword(file)) ?? (await makePassword(file));
    return { password, file };
  } catch (error) {
    if (!(error instanceof UnsafeFile)) throw error;
    throw new LocalStackError(`${error.message}: it must be this user's alone. Remove it, and start again.`, {
      cause: error,
    });
  }
}

/** undefined: there is none. */
async function readPassword(file: string): Promise<string | undefined> {
  const handle = await openPrivateFile(file);
  if (handle === undefined) return undefined;
  try {
    const text = (await handle.readFile("utf8")).trim();
    if (PASSWORD.test(text)) return text;
    throw new LocalStackError(`${file} holds no password of the local stores. Remove it, and start again.`);
  } finally {
    await handle.close();
  }
}

async function makePassword(file: string): Promise<string> {
  const password = randomBytes(32).toString("hex");
  const handle = await createPrivateFile(file);
  try {
    await handle.writeFile(`${password}\n`);
  } finally {
    await handle.close();
  }
  return password;
}
