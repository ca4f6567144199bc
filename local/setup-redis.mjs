import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { programOnPath } from "./program.mjs";
import { runCommand } from "./setup-command.mjs";
import { SetupError } from "./setup-error.mjs";

const INSTEAD =
  "Install Redis yourself (redis-server on PATH), or set REDIS_URL (docker-compose.yml has one).";

/** Debian's way to say which services a package may start; 101 means none. */
const POLICY = "/usr/sbin/policy-rc.d";
const POLICY_SAVED = `${POLICY}.saved-by-coupon-setup`;
const POLICY_MARK = "# put here by local/setup.mjs of the coupon issuer for the time of one installation";
const DENIED = 101;

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
  denyServiceStarts();
  try {
    await runCommand("apt-get", ["install", "-y", "--no-install-recommends", "redis-server", ...wait], {
      env,
      advice: INSTEAD,
    });
  } finally {
    restorePolicy();
  }
  if (programOnPath("redis-server") === undefined) {
    throw new SetupError(`apt-get installed redis-server, but it is not on PATH. ${INSTEAD}`);
  }
}

function denyServiceStarts() {
  restorePolicy(); // an earlier run may have been killed in the middle
  if (spawnSync(POLICY, ["redis-server", "start"]).status === DENIED) return;
  if (existsSync(POLICY)) renameSync(POLICY, POLICY_SAVED);
  writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK}\nexit ${DENIED}\n`);
  chmodSync(POLICY, 0o755);
}

function restorePolicy() {
  if (existsSync(POLICY) && readFileSync(POLICY, "utf8").includes(POLICY_MARK)) rmSync(POLICY);
  if (existsSync(POLICY_SAVED)) renameSync(POLICY_SAVED, POLICY);
}
