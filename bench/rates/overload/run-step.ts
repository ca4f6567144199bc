import { setTimeout as sleep } from "node:timers/promises";
import type { Crowd } from "../../load/crowd.ts";
import { codesOfExport, readExport } from "../../load/raw-reader.ts";
import { Trouble } from "../../trouble.ts";
import type { BenchmarkContext } from "../benchmark.ts";
import { campaignAt, issuedOf } from "../campaigns.ts";
import { forgetPeakMemory, peakMemoryMb } from "../ground.ts";
import { auditCampaign } from "./audit.ts";
import { checkWave } from "./check-wave.ts";
import { normalMsOf, recoveredAfterMs, startLoneCaller } from "./lone-caller.ts";
import { type Looks, startLooks } from "./looks.ts";
import { type LoopDelay, loopDelayOf } from "./loop-delay.ts";
import type { Step } from "./step.ts";
import { type Wave, waveOf } from "./wave.ts";

export type StepResult = {
  readonly wave: Wave;
  readonly loop: LoopDelay;
  readonly memoryMb: number;
  /** From the end of the wave until a lone caller's latency was normal; at most `RECOVERY_MOST_MS`. */
  readonly recoveredAfterMs: number;
  readonly checksHeld: number;
  readonly looks: Looks;
  /** Coupons on record of which no caller read the answer. */
  readonly unread: number;
};

/** The codes must be made before the first arrival. */
const CODES_MS_A_THOUSAND = 40;
const LEAD_MS = 2_000;
/** The lone caller is measured alone for so long before the wave. */
const ALONE_MS = 2_000;
const RECOVERY_MOST_MS = 5_000;
/** How long callers who are due wait for a connection. */
const SEND_WITHIN_MS = 3_000;
/** Longer than the service waits for a claim (ISSUE_DEADLINE_MS). */
const ANSWER_WITHIN_MS = 7_000;
/** Of each process; far fewer than its addresses may have, as closed ones count until the service sees it. */
const CONNECTIONS = 1_500;
/** One of so many requests opens a connection. */
const ANSWERS_PER_CONNECTION = 8;

let steps = 0;

export async function runStep(
  { ground, signal }: Pick<BenchmarkContext, "ground" | "signal">,
  crowd: Crowd,
  step: Step,
  loneCampaignId: string,
): Promise<StepResult> {
  steps += 1;
  const { perSecond, count, arrivalsMs, beforeMs } = step;
  const { baseUrl, pid } = ground.service;
  const codesMs = LEAD_MS + (count * CODES_MS_A_THOUSAND) / 1_000;
  const startsAtMs = Math.ceil(Date.now() + codesMs + 2 * ALONE_MS + beforeMs);
  const campaignId = await campaignAt(ground, { total: count, startsAtMs }, signal);
  const fromMs = startsAtMs - beforeMs;
  const leftMs = fromMs - 2 * ALONE_MS - Date.now();
  if (leftMs < 0) throw new Trouble(`${count} codes were made ${Math.round(-leftMs)} ms too late`);
  await sleep(leftMs, undefined, { signal });

  const prefix = `w${process.pid}-${steps}-`;
  let looking: ReturnType<typeof startLooks> | undefined;
  const lone = startLoneCaller(baseUrl, loneCampaignId, prefix);
  try {
    await loopDelayOf(ground, signal);
    forgetPeakMemory(pid);
    looking = startLooks(baseUrl, campaignId);
    const report = await crowd.run(
      {
        ...{ baseUrl, connections: CONNECTIONS, answersPerConnection: ANSWERS_PER_CONNECTION },
        ...{ sendWithinMs: SEND_WITHIN_MS, answerWithinMs: ANSWER_WITHIN_MS, asksAgain: true },
      },
      {
        ...{ campaignId, perSecond, count, fromMs },
        ...{ userPrefix: prefix, spacing: "random", seed: steps },
      },
      signal,
    );
    const looks = await looking.stop();
    const wave = waveOf(report, { startsAtMs, lastDueMs: fromMs + arrivalsMs });
    const loop = await loopDelayOf(ground, signal);
    await sleep(Math.max(0, wave.endMs + RECOVERY_MOST_MS - Date.now()), undefined, { signal });
    const memoryMb = peakMemoryMb(pid);
    await lone.stop();
    const normalMs = normalMsOf(lone.probes.filter(({ atMs }) => atMs < fromMs));
    const recovered = recoveredAfterMs(lone.probes, wave.endMs, normalMs) ?? RECOVERY_MOST_MS;

    const onRecord = await issuedOf(ground, campaignId);
    const codes = new Set(codesOfExport(await readExport({ baseUrl, campaignId, keep: true, signal })));
    if (codes.size !== onRecord) throw new Trouble(`${onRecord} on record, ${codes.size} exported`);
    const answered = checkWave(report.seen, { codes, startsAtMs, unanswered: report.left?.unanswered ?? 0 });
    const checksHeld = await auditCampaign(ground, campaignId, signal);
    return {
      ...{ wave, loop, memoryMb, checksHeld, looks },
      recoveredAfterMs: Math.min(recovered, RECOVERY_MOST_MS),
      unread: codes.size - answered,
    };
  } finally {
    await looking?.stop();
    await lone.stop();
  }
}
