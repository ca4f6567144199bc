import { programOnPath } from "../local/program.mjs";
import { runCommand } from "./command.mjs";
import { SetupError } from "./error.mjs";
import { withoutServiceStarts } from "./no-service.mjs";

const INSTEAD =
  "Install Redis yourself (redis-server on PATH), or set REDIS_URL (docker-compose.yml has one).";

export function isRedisHere() {
  return Boolean(process.env["REDIS_URL"]) || programOnPath("redis-server") !== undefined;
}

export async function installRedis() {
  if (programOnPath("apt-get") === undefined) {
    throw new SetupError(
      `redis-server is not on PATH and this system has no apt-get to install it with. ${INSTEAD}`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `redis-server is not on PATH and installing it needs root: run \`sudo apt-get install redis-server\`. Or: ${INSTEAD}`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=120"];
  await runCommand("apt-get", ["update", ...wait], { env, advice: INSTEAD });
  // Only the program is wanted: the package would start a service on Redis's default port.
  await withoutServiceStarts("redis-server", () =>
    runCommand("apt-get", ["install", "-y", "--no-install-recommends", "redis-server", ...wait], {
      env,
      advice: INSTEAD,
    }),
  );
  if (programOnPath("redis-server") === undefined) {
    throw new SetupError(`apt-get installed redis-server, but it is not on PATH. ${INSTEAD}`);
  }
}
