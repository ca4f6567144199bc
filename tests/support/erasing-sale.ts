import { createEraseUsers, type ErasedIn } from "../../campaign/erasure/erase-users.ts";
import { createPseudonyms, type Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { createResumeErasure } from "../../campaign/erasure/resume-erasure.ts";
import { createErasureMarks, type ErasureMarks } from "../../claims/erasure-marks.ts";
import { createAttempts } from "../../record/attempts.ts";
import { createErasing, type Erasing } from "../../record/erasing.ts";
import { createErasures } from "../../record/erasures.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { recordsOf } from "./made-campaign.ts";
import { openSale, type Sale, type SaleOptions } from "./open-sale.ts";
import { silentLogger, type TestStores } from "./shared-stores.ts";

export type ErasingSale = Sale & {
  readonly pseudonyms: Pseudonyms;
  readonly marks: ErasureMarks;
  /** Erases users of this campaign, by a process of its own. */
  erase(userIds: readonly string[], signal?: AbortSignal): Promise<ErasedIn[]>;
  /** What a scheduler does about erasures that are left alone. */
  resume(): Promise<boolean>;
};

export type ErasingOptions = SaleOptions & {
  readonly key?: string;
  readonly erasing?: (real: Erasing) => Erasing;
  /** Called while the erasure waits until its mark is heeded. */
  readonly onWait?: () => Promise<void>;
};

export const ERASURE_KEY = "the key of pseudonyms in the tests of erasures";

/** A clock whose waits are over at once: what happens meanwhile is given, and not a matter of time. */
function hurried(onWait: () => Promise<void>): Clock {
  let skippedMs = 0;
  return {
    now: () => Date.now() + skippedMs,
    elapsed: () => performance.now() + skippedMs,
    after(delayMs, callback) {
      let cancelled = false;
      skippedMs += delayMs;
      const isLong = delayMs > 1_000;
      void (isLong ? onWait() : Promise.resolve()).then(() => {
        if (!cancelled) callback();
      });
      return () => {
        cancelled = true;
      };
    },
  };
}

/** A campaign with a claimer that knows of erasures, and with what erases its users. */
export async function erasingSale(stores: TestStores, options: ErasingOptions = {}): Promise<ErasingSale> {
  const { key = ERASURE_KEY, erasing: around, onWait = async () => undefined, ...rest } = options;
  const pseudonyms = createPseudonyms(key);
  const records = recordsOf(stores.db);
  const marks = createErasureMarks({
    campaigns: records.campaigns,
    ...{ pseudonyms, clock: systemClock, logger: silentLogger },
  });
  const sale = await openSale(stores, { ...rest, pseudonyms, deps: { marks, ...rest.deps } });
  const erasing = createErasing(stores.db);
  const deps = {
    ...records,
    ...{ erasing: around?.(erasing) ?? erasing, erasures: createErasures(stores.db) },
    attempts: createAttempts(stores.db),
    ...{ pool: stores.pool, restore: sale.restore, pseudonyms, clock: hurried(onWait) },
    ...{ logger: silentLogger, owner: "an eraser", settleMs: 2_000 },
  };
  return {
    ...{ ...sale, pseudonyms, marks },
    erase: (userIds, signal = new AbortController().signal) =>
      createEraseUsers(deps).erase({
        ...{ userIds, campaignId: sale.campaign._id, actor: "kim", dryRun: false, signal },
        onProgress: () => undefined,
      }),
    resume: () =>
      createResumeErasure({ ...deps, owner: "a scheduler" }).resumeNext(new AbortController().signal),
  };
}
