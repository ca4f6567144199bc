import { fileURLToPath } from "node:url";

/** The oldest glibc that the embedded engine's addon can be loaded with. */
const NEEDED_MAJOR = 2;
const NEEDED_MINOR = 38;

/**
 * The running C library's version; undefined where it is not glibc.
 *
 * @returns {string | undefined}
 */
export function glibcVersion() {
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (
    /** @type {unknown} */ (process.report.getReport())
  );
  return report.header?.glibcVersionRuntime;
}

/** @param {string} version */
export function isGlibcNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > NEEDED_MAJOR || (major === NEEDED_MAJOR && minor >= NEEDED_MINOR);
}

/** Where setup unpacks the newer libc. */
export function embeddedLibcDir() {
  return fileURLToPath(new URL(`../.local/libc/${process.arch}`, import.meta.url));
}

export function loaderName() {
  return process.arch === "arm64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2";
}
