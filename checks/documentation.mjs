/**
 * Compares the pages with the product: one step for each kind of fact. The facts are read from the product's
 * own modules, so this runs through tsx.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { contractTold } from "./contract-told.mjs";
import { exitCodesTold } from "./exit-codes-told.mjs";
import { mayImport } from "./import-directions.mjs";
import { invariantsTold } from "./invariants-told.mjs";
import { metricsTold } from "./metrics-told.mjs";
import { longLines, tooLarge } from "./page-shape.mjs";
import { missingReferences } from "./references-exist.mjs";
import { roomsMissing } from "./rooms-told.mjs";
import { alertRoundsTold, roundsTold } from "./rounds-told.mjs";
import { pageDifferences } from "./same-page.mjs";
import { exampleHolds, settingsTold } from "./settings-told.mjs";

/** A user reads the whole first page, so it must be short. */
const README_BYTES_MAX = 10_000;
/** Pages about the past: they may name files and scripts that no longer exist. */
const CHRONICLE = new Set(["CHANGELOG.md"]);
/** Pages that a program writes: it has its own width. */
const MADE = new Set(["docs/cli.md"]);

/**
 * @param {string} root
 * @param {readonly string[]} files all that are or would be tracked
 * @returns {{ name: string, run: () => Promise<string> }[]}
 */
export function documentationSteps(root, files) {
  const read = (/** @type {string} */ file) => readFileSync(join(root, file), "utf8");
  const pages = files.filter((file) => file.endsWith(".md")).map((file) => ({ file, text: read(file) }));
  /** @param {string} file */
  const pageOf = (file) => pages.find((page) => page.file === file)?.text ?? "";
  const lasting = pages.filter(({ file }) => !CHRONICLE.has(file));

  /** @param {() => string[] | Promise<string[]>} find */
  const step = (/** @type {string} */ name, find) => ({ name, run: async () => (await find()).join("\n") });

  return [
    step("documentation: settings", async () => {
      const page = pageOf("docs/configuration.md");
      const settings = { ...(await readSettings()), local: localSettings(files, read) };
      return [...settingsTold(page, settings), ...exampleHolds(read(".env.example"), page)];
    }),
    step("documentation: rounds", async () => {
      const { catalogue } = await import("../tests/harness/chaos/rounds/catalogue.ts");
      const { catalogue: hosts } = await import("../tests/harness/hosts/rounds.ts");
      const { alertCatalogue } = await import("../tests/harness/chaos/alerts/rounds/catalogue.ts");
      const own = ["docs/operations.md", "docs/observability.md"];
      return [
        ...roundsTold(
          pageOf("docs/operations.md"),
          lasting.filter(({ file }) => !own.includes(file)),
          [...catalogue, ...hosts].map(({ name }) => name),
        ),
        ...alertRoundsTold(pageOf("docs/observability.md"), alertCatalogue),
      ];
    }),
    step("documentation: metrics", async () =>
      metricsTold(pageOf("docs/observability.md"), await readMetrics()),
    ),
    step("documentation: contract", async () => {
      const { services, reasons } = await readContract();
      return contractTold(pageOf("docs/api.md"), services, reasons);
    }),
    step("documentation: exit codes", async () => {
      const { EXIT } = await import("../runtime/user-error.ts");
      return exitCodesTold(pageOf("docs/operations.md"), EXIT);
    }),
    step("documentation: invariants", async () => {
      const { INVARIANTS, RUN_INVARIANTS } = await import("../audit/verdict.ts");
      return invariantsTold(pageOf("docs/glossary.md"), { ...INVARIANTS, ...RUN_INVARIANTS });
    }),
    step("documentation: rooms", () => roomsMissing(pageOf("docs/architecture.md"), Object.keys(mayImport))),
    step("documentation: scripts, links and files", () => {
      const { scripts } = JSON.parse(read("package.json"));
      return missingReferences(lasting, { scripts: Object.keys(scripts), tree: treeOf(files) });
    }),
    step("documentation: README.md and README.ko.md say the same", () =>
      pageDifferences(["README.md", pageOf("README.md")], ["README.ko.md", pageOf("README.ko.md")]),
    ),
    step("documentation: size", () => [
      ...tooLarge("README.md", pageOf("README.md"), README_BYTES_MAX),
      ...lasting.filter(({ file }) => !MADE.has(file)).flatMap(({ file, text }) => longLines(file, text)),
    ]),
  ];
}

async function readSettings() {
  const { SETTINGS, readConfig } = await import("../runtime/config.ts");
  const required = { REDIS_URL: "redis://127.0.0.1", MONGODB_URL: "mongodb://127.0.0.1" };
  const { REDIS_URL: _redis, MONGODB_URL: _mongodb, ...defaults } = readConfig(required);
  return { names: SETTINGS, defaults };
}

/**
 * The settings of the local stack: each `LOCAL_…` string in its code.
 *
 * @param {readonly string[]} files
 * @param {(file: string) => string} read
 */
function localSettings(files, read) {
  const sources = files.filter((file) => /^local\/.*\.ts$/.test(file)).map(read);
  return [...new Set(sources.flatMap((text) => text.match(/(?<=["'])LOCAL_[A-Z_]+(?=["'])/g) ?? []))];
}

async function readMetrics() {
  const { addTickGauges, createMetrics } = await import("../runtime/metrics.ts");
  const { createPrimaryMetrics } = await import("../runtime/primary-metrics.ts");
  const { addSinkMetrics } = await import("../runtime/sink-metrics.ts");
  const { systemClock } = await import("../runtime/clock.ts");
  const { registry, redisSizes } = createMetrics();
  redisSizes(() => ({ commands: 0, inTrouble: 0 }));
  addTickGauges(registry, () => undefined, systemClock);
  addSinkMetrics(registry, { figures: () => [], status: () => [] });
  return [registry, createPrimaryMetrics().registry].flatMap((of) =>
    of
      .getMetricsAsArray()
      // prom-client's types have no label names.
      .map(
        (metric) =>
          /** @type {import("./metrics-told.mjs").Metric & { labelNames: string[] }} */ (Object(metric)),
      )
      .filter(({ name }) => name.startsWith("coupon_"))
      .map(({ name, type, labelNames }) => ({ name, type, labels: labelNames })),
  );
}

async function readContract() {
  const { CouponService } = await import("../proto/gen/coupon/v1/coupon_service_pb.ts");
  const { CampaignService } = await import("../proto/gen/coupon/v1/campaign_service_pb.ts");
  const { RefusalReasonSchema } = await import("../proto/gen/coupon/v1/refusal_pb.ts");
  const { EventService } = await import("../proto/gen/coupon/v1/event_service_pb.ts");
  const { RedemptionService } = await import("../proto/gen/coupon/v1/redemption_service_pb.ts");
  const services = [CouponService, CampaignService, EventService, RedemptionService].map(
    ({ typeName, methods }) => ({
      name: typeName,
      methods: methods.map(({ name, methodKind }) => ({ name, stream: methodKind !== "unary" })),
    }),
  );
  const reasons = RefusalReasonSchema.values
    .filter(({ number }) => number !== 0)
    .map(({ localName }) => localName);
  return { services, reasons };
}

/** @param {readonly string[]} files */
function treeOf(files) {
  /** @type {Set<string>} */
  const tree = new Set(files);
  for (const file of files) {
    const parts = file.split("/");
    for (let length = 1; length < parts.length; length++) tree.add(parts.slice(0, length).join("/"));
  }
  return tree;
}
