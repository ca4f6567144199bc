import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../../local/poll.ts";
import { repositoryDir } from "../../../../local/repository.ts";
import { OBSERVABILITY_DIR, RULE_FILES } from "../../../deploy/observability/shipped.ts";
import { type Prometheus, startPrometheus } from "../../../support/prometheus.ts";
import { type Firing, firingNow, wordsOf } from "./firings.ts";
import { type Intervals, msOf, shortenIntervals, shortenRules } from "./shortened.ts";

/** By how much a run shortens what the shipped files wait for. */
export const SHORTER_BY = 5;

/** What a round's Prometheus has: the shipped rules and intervals, each wait shorter by `SHORTER_BY`. */
export type Setup = {
  readonly intervals: Intervals;
  /** By file name: the text. */
  readonly rules: ReadonlyMap<string, string>;
  /** All that differs from the shipped files. */
  readonly changes: readonly string[];
};

export function readSetup(): Setup {
  const configuration = readFileSync(join(repositoryDir, "deploy", "prometheus.yml"), "utf8");
  const { shortened: intervals, changes } = shortenIntervals(configuration, SHORTER_BY);
  const files = RULE_FILES.map((file) => {
    const text = readFileSync(join(OBSERVABILITY_DIR, file), "utf8");
    return { file, ...shortenRules(text, SHORTER_BY) };
  });
  return {
    intervals,
    rules: new Map(files.map(({ file, shortened }) => [file, shortened])),
    changes: [...changes, ...files.flatMap((file) => file.changes)],
  };
}

type Rules = {
  readonly groups: readonly {
    readonly lastEvaluation: string;
    readonly rules: readonly {
      readonly name: string;
      readonly health: string;
      readonly lastError?: string;
    }[];
  }[];
};

/** A Prometheus that watches the processes of a round. */
export type Watch = {
  readonly prometheus: Prometheus;
  /** Between two evaluations. */
  readonly everyMs: number;
  /** Waits until each rule has been evaluated so many times more. */
  evaluated(times: number): Promise<void>;
  /** Waits until no alert fires, also at the last evaluation. @throws where one goes on */
  untilQuiet(): Promise<void>;
  close(): Promise<void>;
};

const SOON_MS = 60_000;
const POLL_MS = 100;

/**
 * Starts Prometheus and waits until it has scraped each process and evaluated each rule.
 * @param instances host and port of each process' health pages
 * @throws where a rule cannot be evaluated, or a process is not scraped
 */
export async function startWatch(setup: Setup, dir: string, instances: readonly string[]): Promise<Watch> {
  const folder = join(dir, "rules");
  mkdirSync(folder, { recursive: true });
  const rules = [...setup.rules].map(([file, text]) => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  });
  const prometheus = await startPrometheus({ jobs: { coupon: instances }, rules, ...setup.intervals });
  const groups = async () => (await prometheus.get<Rules>("rules")).groups;

  async function evaluated(times: number): Promise<void> {
    const seen = new Map<number, Set<string>>();
    const isDone = async () => {
      for (const [index, { lastEvaluation }] of (await groups()).entries())
        seen.set(index, (seen.get(index) ?? new Set()).add(lastEvaluation));
      // The first that is seen may be of before.
      return [...seen.values()].every((evaluations) => evaluations.size > times);
    };
    if (!(await until(isDone, SOON_MS, POLL_MS))) throw new Error("Prometheus does not evaluate its rules");
  }

  const isUp = async () =>
    (await prometheus.query('up{job="coupon"} == 1')).length === instances.length &&
    (await groups()).every(({ rules: all }) => all.every(({ health }) => health === "ok"));
  try {
    if (!(await until(isUp, SOON_MS, POLL_MS))) {
      const unwell = (await groups()).flatMap(({ rules: all }) =>
        all.filter(({ health }) => health !== "ok"),
      );
      throw new Error(
        unwell.length > 0
          ? unwell.map(({ name, lastError = "not evaluated" }) => `${name}: ${lastError}`).join("; ")
          : `Prometheus does not scrape each of ${instances.join(", ")}`,
      );
    }
  } catch (error) {
    await prometheus.close();
    throw error;
  }
  return {
    prometheus,
    everyMs: msOf(setup.intervals.evaluationInterval),
    evaluated,
    // It evaluates rules some seconds before it scrapes, and a short `for` is over by then.
    async untilQuiet() {
      let firing: readonly Firing[] = [];
      const isQuiet = async () => {
        firing = await firingNow(prometheus);
        return firing.length === 0;
      };
      if (!(await until(isQuiet, SOON_MS, POLL_MS)))
        throw new Error(`${firing.map(wordsOf).join(", ")} fires before the round begins`);
      await evaluated(1);
    },
    close: () => prometheus.close(),
  };
}
