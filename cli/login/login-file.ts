import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { configFolder } from "../config-file.ts";
import { codeOf } from "../file-trouble.ts";
import { UserError } from "../user-error.ts";
import { type Login, loginIn } from "./login.ts";

const maxBytes = 256 * 1024;
const othersBits = 0o077;
const othersMayWrite = 0o022;

/** One file a service, so that a login to one never waits for, or damages, that to another. */
export function loginPath(env: NodeJS.ProcessEnv, service: string): string {
  const name = createHash("sha256").update(service).digest("hex").slice(0, 32);
  return join(configFolder(env), "logins", `${name}.json`);
}

/**
 * The login in this file; undefined: there is none. @throws UserError where another user may have read or
 * written it
 */
export async function readLogin(path: string, service: string): Promise<Login | undefined> {
  let handle: FileHandle;
  try {
    // A link could lead to a file of another user's choice.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error) ?? String(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unusable(path, code === "ELOOP" ? "it is a symbolic link" : `it cannot be read (${code})`);
  }
  try {
    const { size, mode, uid, nlink } = await regular(path, handle);
    if (uid !== (process.getuid?.() ?? uid) || nlink > 1) throw unusable(path, "it is not yours alone");
    if (process.platform !== "win32" && (mode & othersBits) !== 0)
      throw unusable(path, "other users of this machine may read it, and may have done so");
    if (size > maxBytes) throw unusable(path, `it has more than ${maxBytes} bytes`);
    const login = loginIn(parsed(await handle.readFile("utf8")));
    if (login?.service !== service) throw unusable(path, "it does not hold a login to this service");
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
  const handle = await open(draft, "wx", 0o600);
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

async function regular(path: string, handle: FileHandle) {
  const facts = await handle.stat();
  if (!facts.isFile()) throw unusable(path, "it is not a regular file");
  return facts;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would quote the file.
    return undefined;
  }
}

function unusable(path: string, why: string): UserError {
  return new UserError(`the login in ${path} is not used: ${why}`, {
    hint: "coupon logout removes it; then coupon login makes a new one",
  });
}
