// `npm run audit`: the advisories about the packages of production, judged by checks/advisories.json. Exit
// codes: 0 none, or the registry has no advisories (the line says so), 1 one that is not accepted, or not any
// more.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { judgeAdvisories } from "./advisories.mjs";

const accepted = JSON.parse(readFileSync(new URL("advisories.json", import.meta.url), "utf8"));
const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
});
const judgment = judgeAdvisories(parsed(stdout), accepted, new Date());
if (judgment.kind === "not-judged")
  console.log(`audit: NOT JUDGED, the registry has no advisories: ${judgment.why}`);
else {
  for (const line of judgment.wrong) console.log(line);
  console.log(judgment.wrong.length === 0 ? "audit: PASS" : `audit: FAIL findings=${judgment.wrong.length}`);
  process.exitCode = judgment.wrong.length === 0 ? 0 : 1;
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
