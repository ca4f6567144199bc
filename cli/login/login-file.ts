import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createPrivateFile, openPrivateFile, UnsafeFile } from "../../runtime/private-file.ts";
import { readSmallHandle, UnreadableFile } from "../../runtime/small-file.ts";
import { configFolder } from "../config-file.ts";
import { codeOf } from "../file-trouble.ts";
import { UserError } from "../user-error.ts";
import { type Login, loginIn } from "./login.ts";

const maxBytes = 256 * 1024;
const othersMayWrite = 0o022;

/** One file a service, so that a login to one never waits for, or damages, that to another. */
export function loginPath(env: NodeJS.ProcessEnv, service: string): string {
  const name = createHash("sha256").update(service).digest("hex").slice(0, 32);
  return join(configFolder(env), "logins", `${name}.json`);
}

/** The login in this file; undefined: there is none. @throws UserError where it is not this user's alone */
export async function readLogin(path: string, service: string): Promise<Login | undefined> {
  const handle = await openPrivateFile(path).catch((error: unknown) => {
    if (error instanceof UnsafeFile) throw unusable(error.message, error);
    const code = codeOf(error) ?? String(error);
    if (code === "ENOTDIR") return undefined;
    throw unusable(`${path} cannot be read (${code})`, error);
  });
  if (handle === undefined) return undefined;
  try {
    const bytes = await readSmallHandle(handle, maxBytes).catch((error: unknown) => {
      throw error instanceof UnreadableFile ? unusable(`${path} ${error.message}`, error) : error;
    });
    const login = loginIn(parsed(bytes.toString("utf8")));
    if (login?.service !== service) throw unusable(`${path} does not hold a login to this service`);
    return login;
  } finally {
    await handle.close();
  }
}

/** Makes the folder of the logins. @throws UserError where another user may write into it */
export async function prepareLoginFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const facts = await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => stat(folder))
    .catch((error: unknown) => {
      const why = codeOf(error) ?? String(error);
      throw new UserError(`the folder ${folder} cannot be made: ${why}`, {
        hint: "check the folders above it, or name another with XDG_CONFIG_HOME",
        cause: error,
      });
    });
  const isWritable = process.platform !== "win32" && (facts.mode & othersMayWrite) !== 0;
  if (facts.uid === (process.getuid?.() ?? facts.uid) && !isWritable) return;
  throw new UserError(`the folder ${folder} must be yours, and writable for you alone`, {
    hint: `run chmod 700 ${folder}`,
  });
}

/** Replaces the file as a whole: whoever reads it meanwhile sees the old login or the new one. */
export async function writeLogin(path: string, login: Login): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  const handle = await createPrivateFile(draft);
  try {
    await handle.writeFile(`${JSON.stringify(login)}\n`);
    await handle.sync();
    await handle.close();
    await rename(draft, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}

/** No error where it is gone already. */
export async function removeLogin(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    const why = codeOf(error) ?? String(error);
    if (why === "ENOENT") return;
    throw new UserError(`the login in ${path} cannot be removed: ${why}`, {
      hint: "remove it by hand",
      cause: error,
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would quote the file.
    return undefined;
  }
}

function unusable(why: string, cause?: unknown): UserError {
  return new UserError(`the login is not used: ${why}`, {
    hint: "coupon logout removes it; then coupon login makes a new one",
    cause,
  });
}
