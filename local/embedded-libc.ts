import { existsSync } from "node:fs";
import { join } from "node:path";
import { embeddedLibcDir, glibcVersion, isGlibcNewEnough, loaderName } from "./libc-facts.mjs";

/** A way to start node with a libc that the embedded engine accepts, or the reason why there is none. */
export type NodeLaunch =
  | { readonly ok: true; readonly command: string; readonly args: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The engine needs a newer glibc than some systems have. On these, `npm run setup` unpacks one into .local,
 * and node is started through the loader of that glibc; the system stays unchanged.
 */
export function nodeForEngine(): NodeLaunch {
  const plain: NodeLaunch = { ok: true, command: process.execPath, args: [] };
  if (process.platform === "darwin" && process.arch === "arm64") return plain;
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    return {
      ok: false,
      reason: `the embedded engine does not exist for ${process.platform} ${process.arch}`,
    };
  }
  const version = glibcVersion();
  if (version === undefined)
    return { ok: false, reason: "the embedded engine needs glibc, which this system lacks" };
  if (isGlibcNewEnough(version)) return plain;
  const dir = embeddedLibcDir();
  const loader = join(dir, loaderName());
  if (!existsSync(loader)) {
    return {
      ok: false,
      reason: `the embedded engine needs a newer glibc than ${version}: run \`npm run setup\``,
    };
  }
  return { ok: true, command: loader, args: ["--library-path", dir, process.execPath] };
}
