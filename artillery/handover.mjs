/**
 * The messages between the runner and artillery's threads, as files in one folder. Artillery takes seconds to
 * tens of seconds to start, so the runner chooses the instant only when these files show that the users wait:
 *
 * - `loaded` exists once artillery is loaded,
 * - `waiting` holds one byte for each user who waits for the instant,
 * - `campaign.json` is the runner's answer.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * phasesAtMs: when the phases of a launch without a burst begin.
 *
 * @typedef {{ campaignId: string, startsAtMs: number, phasesAtMs: number }} Campaign
 */

const POLL_MS = 20;

/** @param {string} folder */
export function tellLoaded(folder) {
  writeFileSync(join(folder, "loaded"), "");
}

/** @param {string} folder */
export function isLoaded(folder) {
  return existsSync(join(folder, "loaded"));
}

/** @param {string} folder */
export function tellWaiting(folder) {
  appendFileSync(join(folder, "waiting"), ".");
}

/** @param {string} folder */
export function waitingIn(folder) {
  return statSync(join(folder, "waiting"), { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Writes the runner's answer, whole or not at all.
 *
 * @param {string} folder
 * @param {Campaign} campaign
 */
export function handOver(folder, campaign) {
  const file = join(folder, "campaign.json");
  writeFileSync(`${file}.new`, JSON.stringify(campaign));
  renameSync(`${file}.new`, file);
}

/**
 * Waits for the runner's answer. Has no deadline of its own: a runner that gives up ends artillery.
 *
 * @param {string} folder
 * @returns {Promise<Campaign>}
 */
export async function takeOver(folder) {
  const file = join(folder, "campaign.json");
  while (!existsSync(file)) await sleep(POLL_MS);
  return JSON.parse(readFileSync(file, "utf8"));
}
