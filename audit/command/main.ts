/**
 * The audit by itself: `node --import tsx audit/command/main.ts --campaign ID --history FILE [--history FILE
 * …]`, with REDIS_URL and MONGODB_URL (or REDIS_URL_FILE …, and MONGODB_DATABASE) in the environment. Exit
 * codes: 0 nothing is violated, 1 something is, 2 the audit could not be made.
 */
import { parseArgs } from "node:util";
import { redactCrashes } from "../../runtime/crash.ts";
import { redactorOf } from "../../runtime/redactor.ts";
import { withSecretFiles } from "../../runtime/secret-files.ts";
import { visible } from "../../runtime/visible.ts";
import { ONE_MACHINE } from "../facts.ts";
import { type HistoryEntry, readHistory } from "../history.ts";
import { openAuditor } from "../stores/auditor.ts";
import { DEFAULT_TIMINGS, leftAfterMs } from "../timings.ts";
import { verdictTable, violated } from "../verdict-table.ts";

async function run(settings: Readonly<Record<string, string | undefined>>): Promise<number> {
  const { values } = parseArgs({
    options: {
      campaign: { type: "string" },
      history: { type: "string", multiple: true, default: [] },
      "clock-tolerance-ms": { type: "string", default: "0" },
      json: { type: "boolean", default: false },
    },
  });
  const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl, MONGODB_DATABASE: database } = settings;
  const insertDeadlineMs = Number(settings["COMMIT_DEADLINE_MS"] || DEFAULT_TIMINGS.insertDeadlineMs);
  const timings = { ...DEFAULT_TIMINGS, insertDeadlineMs };
  const { campaign } = values;
  const clockMs = Number(values["clock-tolerance-ms"]);
  if (
    campaign === undefined ||
    !redisUrl ||
    !mongodbUrl ||
    !Number.isFinite(clockMs) ||
    !(insertDeadlineMs > 0)
  ) {
    throw new Error(
      "needs --campaign ID, and REDIS_URL and MONGODB_URL in the environment; COMMIT_DEADLINE_MS in milliseconds, if it is set",
    );
  }
  const history: HistoryEntry[] = [];
  for (const file of values.history) for (const entry of await readHistory(file)) history.push(entry);
  const auditor = await openAuditor({ redisUrl, mongodbUrl, database: database || undefined, timings });
  try {
    const atRest = await auditor.waitForRest(campaign, [], leftAfterMs(timings));
    const tolerances = { ...ONE_MACHINE, clockMs };
    const report = await auditor.audit(campaign, { history, tolerances });
    const { verdicts, issued } = report;
    const counts = `requests=${history.length} issued=${issued}/${report.campaign.total}`;
    const wrong = violated(verdicts);
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ campaign: report.campaign, atRest, verdicts })}\n`);
    } else {
      process.stdout.write(`${verdictTable(verdicts).join("\n")}\n`);
      process.stdout.write(
        wrong.length === 0
          ? `audit: PASS ${counts}\n`
          : `audit: FAIL violations=${wrong.join(",")} ${counts}\n`,
      );
    }
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await auditor.close();
  }
}

let redact = redactorOf(process.env);
redactCrashes((text) => redact(text));
try {
  const settings = withSecretFiles(process.env);
  redact = redactorOf(settings);
  process.exitCode = await run(settings);
} catch (error) {
  process.stderr.write(`audit: ${visible(redact(error instanceof Error ? error.message : String(error)))}\n`);
  process.exitCode = 2;
}
