import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { endChild, hasExited, spawnKept } from "../../local/child.ts";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { HANG_MS } from "./patience.ts";
import { temporaryDir } from "./temporary-dir.ts";

/** A sample of the answer to a query: the labels, then each instant with its value. */
export type Series = {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
};

/** Debian's Prometheus. */
export type Prometheus = {
  readonly url: string;
  /** @throws with Prometheus' words where the query is wrong */
  query(expr: string): Promise<readonly Series[]>;
  range(expr: string, fromS: number, toS: number, stepS: number): Promise<readonly Series[]>;
  /** A page of its API. */
  get<T>(path: string): Promise<T>;
  close(): Promise<void>;
};

export type PrometheusOptions = {
  /** By job: the addresses of its targets, `host:port`. */
  readonly jobs: Readonly<Record<string, readonly string[]>>;
  /** Paths of rule files. */
  readonly rules?: readonly string[];
  /** As Prometheus writes a duration; default: a second each. */
  readonly scrapeInterval?: string;
  readonly evaluationInterval?: string;
};

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { jobs, rules = [], scrapeInterval = "1s", evaluationInterval = "1s" } = options;
  const dir = temporaryDir();
  const names = rules.map((_, index) => `rules-${index}.yml`);
  for (const [index, path] of rules.entries()) copyFileSync(path, join(dir.path, `rules-${index}.yml`));
  const configuration = {
    global: {
      scrape_interval: scrapeInterval,
      scrape_timeout: scrapeInterval,
      evaluation_interval: evaluationInterval,
    },
    rule_files: names,
    scrape_configs: Object.entries(jobs).map(([job, targets]) => ({
      ...{ job_name: job, static_configs: [{ targets }] },
    })),
  };
  writeFileSync(join(dir.path, "prometheus.yml"), stringify(configuration));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawnKept(
    "prometheus",
    [
      ...["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"],
      `--web.listen-address=${address}`,
    ],
    { cwd: dir.path, stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const url = `http://${address}`;

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== "success") throw new Error(`${decodeURIComponent(path)}: ${answer.error}`);
    return answer.data;
  }
  const resultOf = async (path: string) => (await get<{ result: Series[] }>(path)).result;
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  if (!(await until(async () => hasExited(child) || (await isReady()), HANG_MS)) || hasExited(child)) {
    await endChild(child, HANG_MS);
    dir.remove();
    throw new Error(`Prometheus does not start: ${said}`);
  }
  return {
    url,
    get,
    query: (expr) => resultOf(`query?query=${encodeURIComponent(expr)}`),
    range: (expr, fromS, toS, stepS) =>
      resultOf(`query_range?query=${encodeURIComponent(expr)}&start=${fromS}&end=${toS}&step=${stepS}`),
    async close() {
      await endChild(child, HANG_MS);
      dir.remove();
    },
  };
}
