import { parseFlags } from "../../../bench/parse-flags.ts";
import { PLANTS, type PlantName } from "./plants.ts";
import { createReport } from "./report.ts";
import { runSeed } from "./run-seed.ts";

const USAGE = `usage: npm run simulate -- [--seconds S] [--seed N | --from N] [--trace] [--strict] [--plant NAME]
  --seconds S   for so long, seed after seed (60)
  --seed N      this seed alone; --trace prints its events
  --from N      begin with this seed instead of a random one
  --strict      also call it a failure what is known and explained in the report
  --scale       measures costs and simulates large openings instead; --scale --help
  --plant NAME  with a planted bug: ${Object.keys(PLANTS).join(", ")}
`;

/** A whole number; undefined: the option is not given. */
function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new TypeError(`--${name}: "${text}" is not a whole number`);
  return Number(text);
}

function readOptions() {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean" } as const;
  const values = parseFlags(process.argv.slice(2), {
    help: boolean,
    seconds: string,
    seed: string,
    from: string,
    trace: boolean,
    strict: boolean,
    plant: string,
  });
  const plant = values.plant as PlantName | undefined;
  if (plant !== undefined && !(plant in PLANTS))
    throw new TypeError(`--plant: one of ${Object.keys(PLANTS).join(", ")}`);
  const only = whole("seed", values.seed);
  return {
    help: values.help === true,
    plant,
    strict: values.strict === true,
    trace: values.trace === true,
    only,
    first: only ?? whole("from", values.from) ?? Math.floor(Math.random() * 2 ** 31),
    seconds: only === undefined ? (whole("seconds", values.seconds) ?? 60) : 0,
  };
}

function optionsOrUsage(): ReturnType<typeof readOptions> {
  try {
    const options = readOptions();
    if (!options.help) return options;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`simulate: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const { plant, strict, first, seconds, ...options } = optionsOrUsage();
const trace = options.trace ? (line: string) => console.log(line) : undefined;

const report = createReport(first, plant);
process.on("unhandledRejection", (error) =>
  report.fail(`a promise was rejected and nobody looked: ${String(error)}`),
);
const endsAtMs = Date.now() + seconds * 1_000;
for (let seed = first; !report.hasFailed(); seed++) {
  report.begin(seed);
  report.add(await runSeed({ seed, plant, strict, ...(trace === undefined ? {} : { trace }) }));
  if (Date.now() >= endsAtMs) break;
  // Lets the process handle signals between seeds.
  if (seed % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
}
process.exitCode = report.end();
