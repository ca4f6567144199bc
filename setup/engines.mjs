import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { loaderName } from "../local/libc-facts.mjs";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";
import { librariesWith, unpackNewer } from "./newer-packages.mjs";

const WORDS = {
  need: "The tests on Redis 8 and Valkey need their packages of a newer Debian",
  instead: "Only `npm run test:engines` needs them.",
};

/** The checking program is the server under another name; the servers' own packages would bring a service. */
const PACKAGES = ["redis-tools", "valkey-tools"];
const LIBRARIES = [
  ...["libc6", "libssl3t64", "libjemalloc2", "liblzf1", "libatomic1", "libsystemd0", "libcap2"],
  ...["libstdc++6", "libgcc-s1", "zlib1g", "libzstd1"],
];

const FOLDER = fileURLToPath(new URL(`../.local/engines/${process.arch}`, import.meta.url));

/** Each engine has a folder with a program `redis-server`, to be the first one on PATH. */
export const engines = [
  { name: "redis-8", folder: join(FOLDER, "redis-8"), server: "redis-server", check: "redis-check-rdb" },
  { name: "valkey-8", folder: join(FOLDER, "valkey-8"), server: "valkey-server", check: "valkey-check-rdb" },
];

export function areEnginesHere() {
  return engines.every(({ folder }) => existsSync(join(folder, "redis-server")));
}

/** Unpacks Redis 8 and Valkey 8 with their libraries into .local, about 41 MB; nothing is installed. */
export async function unpackEngines() {
  await unpackNewer(FOLDER, [...PACKAGES, ...LIBRARIES], WORDS, async (unpacked) => {
    const libraries = librariesWith(unpacked, loaderName());
    if (libraries === undefined) throw new SetupError(`${WORDS.need}; there is no ${loaderName()}.`);
    for (const { name, server, check } of engines) {
      const folder = join(unpacked, name);
      mkdirSync(join(folder, "program"), { recursive: true });
      symlinkSync(`../../usr/bin/${check}`, join(folder, "program", server));
      const program = join(folder, "redis-server");
      writeFileSync(program, starterOf(relative(folder, libraries), server), { mode: 0o755 });
      await runCommand(program, ["--version"], { advice: `${name} does not run on this machine.` });
    }
    return unpacked;
  });
}

/**
 * The loader of the libraries runs the server in place of the shell, so that the process that was started is
 * the server.
 *
 * @param {string} libraries seen from the folder of the starter
 * @param {string} server
 */
function starterOf(libraries, server) {
  return `#!/bin/sh
here=$(dirname "$0")
exec "$here/${libraries}/${loaderName()}" --library-path "$here/${libraries}" "$here/program/${server}" "$@"
`;
}
