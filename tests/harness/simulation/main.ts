/**
 * `npm run simulate`: the production code under a deterministic scheduler, seed after seed; with `--scale`
 * the arithmetic of large openings (bench/scale/).
 */
if (process.argv.includes("--scale")) await import("../../../bench/scale/main.ts");
else await import("./run-seeds.ts");
