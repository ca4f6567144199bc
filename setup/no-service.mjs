import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Debian's packages run this program before they start a service; exit code 101 forbids the start. */
const POLICY = "/usr/sbin/policy-rc.d";
const POLICY_SAVED = `${POLICY}.saved-by-coupon-setup`;
const POLICY_MARK = "# put here by setup/setup.mjs of the coupon issuer for the time of one installation";
const DENIED = 101;

/**
 * Runs an installation that starts no service: the package of a server starts its service on the default
 * port.
 * @template T
 * @param {string} service as the package calls it
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
export async function withoutServiceStarts(service, install) {
  denyServiceStarts(service);
  try {
    return await install();
  } finally {
    restorePolicy();
  }
}

/** @param {string} service */
function denyServiceStarts(service) {
  restorePolicy(); // an earlier run may have been killed in the middle
  if (spawnSync(POLICY, [service, "start"]).status === DENIED) return;
  if (existsSync(POLICY)) renameSync(POLICY, POLICY_SAVED);
  writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK}\nexit ${DENIED}\n`);
  chmodSync(POLICY, 0o755);
}

function restorePolicy() {
  if (existsSync(POLICY) && readFileSync(POLICY, "utf8").includes(POLICY_MARK)) rmSync(POLICY);
  if (existsSync(POLICY_SAVED)) renameSync(POLICY_SAVED, POLICY);
}
