import { PLANTS, type PlantName } from "./plants.ts";
import { createReport } from "./report.ts";
import { runSeed } from "./run-seed.ts";

// npm run simulate -- [--seconds S] [--seed N] [--from N] [--trace] [--strict] [--plant NAME]
const flags = new Map<string, string>();
for (let i = 2; i < process.argv.length; i++) {
  const name = process.argv[i] ?? "";
  const value = process.argv[i + 1];
  if (value === undefined || value.startsWith("--")) flags.set(name, "");
  else {
    flags.set(name, value);
    i++;
  }
}
const number = (name: string, otherwise: number) => {
  const value = Number(flags.get(name) ?? otherwise);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} takes a whole number`);
  return value;
};
const plant = flags.get("--plant") as PlantName | undefined;
if (plant !== undefined && !(plant in PLANTS))
  throw new Error(`--plant is one of ${Object.keys(PLANTS).join(", ")}`);
const only = flags.has("--seed") ? number("--seed", 0) : undefined;
const first = only ?? number("--from", Math.floor(Math.random() * 2 ** 31));
const trace = flags.has("--trace") ? (line: string) => console.log(line) : undefined;

const report = createReport(first, plant);
process.on("unhandledRejection", (error) =>
  report.fail(`a promise was rejected and nobody looked: ${String(error)}`),
);
const endsAtMs = Date.now() + (only === undefined ? number("--seconds", 60) : 0) * 1_000;
for (let seed = first; !report.hasFailed(); seed++) {
  report.begin(seed);
  report.add(
    await runSeed({ seed, plant, strict: flags.has("--strict"), ...(trace === undefined ? {} : { trace }) }),
  );
  if (Date.now() >= endsAtMs) break;
  // The process answers signals between seeds.
  if (seed % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
}
process.exitCode = report.end();
