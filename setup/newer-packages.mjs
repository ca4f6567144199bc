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
import { makeFolder } from "../local/make-folder.mjs";
import { programOnPath } from "../local/program.mjs";
import { oneLineSourcesFor, stanzaSourcesFor } from "./apt-sources.mjs";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";

/** The release of Debian that the packages are of. */
export const NEWER_SUITE = "trixie";
const SYSTEM_LIST = "/etc/apt/sources.list";
const SYSTEM_PARTS = "/etc/apt/sources.list.d";
const TEMPORARY = "new-";

/**
 * The words for the person who runs set-up. `need`: why they are wanted; `instead`: what to do without them.
 *
 * @typedef {{ need: string, instead: string }} Words
 */

/**
 * Unpacks Debian packages of a newer release into a folder: apt itself fetches and verifies them, from
 * sources derived from the machine's own, with private lists and caches. Nothing is installed; the system's
 * lists stay as they are. Needs no root. The folder is there as a whole or not at all.
 *
 * @param {string} folder
 * @param {readonly string[]} packages
 * @param {Words} words
 * @param {(unpacked: string) => Promise<string>} prepare the folder to keep, of what was unpacked
 */
export async function unpackNewer(folder, packages, words, prepare) {
  for (const program of ["apt-get", "dpkg-deb"]) {
    if (programOnPath(program) === undefined) {
      throw new SetupError(`${words.need}, and without ${program} none can be fetched. ${words.instead}`);
    }
  }
  makeFolder(dirname(folder));
  for (const left of readdirSync(dirname(folder))) {
    if (left.startsWith(TEMPORARY)) rmSync(join(dirname(folder), left), { recursive: true, force: true });
  }
  const work = mkdtempSync(join(dirname(folder), TEMPORARY));
  try {
    const kept = await prepare(await fetchPackages(work, packages, words));
    rmSync(folder, { recursive: true, force: true });
    renameSync(kept, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The folder of libraries that holds the file, in either of the two places of Debian.
 *
 * @param {string} unpacked
 * @param {string} file
 * @returns {string | undefined}
 */
export function librariesWith(unpacked, file) {
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return ["usr/lib", "lib"]
    .map((dir) => join(unpacked, dir, triplet))
    .find((dir) => existsSync(join(dir, file)));
}

/**
 * @param {string} work
 * @param {readonly string[]} packages
 * @param {Words} words
 * @returns {Promise<string>} the folder that they are unpacked in
 */
async function fetchPackages(work, packages, words) {
  const [lists, parts, cache, download, unpacked] = ["lists", "parts", "cache", "download", "unpacked"].map(
    (name) => join(work, name),
  );
  if (!lists || !parts || !cache || !download || !unpacked) throw new Error("unreachable");
  for (const dir of [join(lists, "partial"), parts, join(cache, "archives", "partial"), download, unpacked]) {
    makeFolder(dir);
  }
  writeSources(parts, words);
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
  const advice = `${words.need}; it could not be fetched. ${words.instead}`;
  await runCommand("apt-get", [...settings, "update"], { cwd: download, advice });
  const wanted = packages.map((name) => `${name}/${NEWER_SUITE}`);
  await runCommand("apt-get", [...settings, "download", ...wanted], { cwd: download, advice });
  const archives = readdirSync(download).filter((name) => name.endsWith(".deb"));
  if (archives.length < packages.length) {
    throw new SetupError(`apt-get downloaded ${archives.length} of ${packages.length} packages. ${advice}`);
  }
  for (const archive of archives)
    await runCommand("dpkg-deb", ["-x", join(download, archive), unpacked], { advice });
  return unpacked;
}

/**
 * @param {string} parts
 * @param {Words} words
 */
function writeSources(parts, words) {
  const suites = { from: codename(words), to: NEWER_SUITE };
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
      `${words.need}; the apt sources of this machine name no main component of "${suites.from}" to derive a newer release from. ${words.instead}`,
    );
  }
  if (oneLine.length > 0) writeFileSync(join(parts, "newer.list"), `${oneLine.join("\n")}\n`);
  if (stanzas.length > 0) writeFileSync(join(parts, "newer.sources"), `${stanzas.join("\n\n")}\n`);
}

/** @param {Words} words */
function codename(words) {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  /** @param {string} name */
  const field = (name) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(release)?.[1];
  if (field("ID") !== "debian") {
    throw new SetupError(`${words.need}, which setup can fetch on Debian only. ${words.instead}`);
  }
  return field("VERSION_CODENAME") ?? "";
}

/** @param {string} dir */
function namesIn(dir) {
  return existsSync(dir) ? readdirSync(dir) : [];
}
