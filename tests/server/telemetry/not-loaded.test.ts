import { execFileSync } from "node:child_process";
import { expect } from "chai";
import { repositoryDir } from "../../../local/repository.ts";

/** Loads a service, and then its traces; prints each time the packages in memory that send something. */
const PROGRAM = `
  const { Module } = await import("node:module");
  const sends = /node_modules.(@sentry|@opentelemetry.(sdk|resources|exporter|otlp)[^/]*)/;
  const found = () => new Set(Object.keys(Module._cache).map((file) => sends.exec(file)?.[1]).filter(Boolean));
  await import("./server/service.ts");
  const off = [...found()];
  await import("./server/telemetry/tracing.ts");
  process.stdout.write(JSON.stringify({ off, on: [...found()] }));
`;

it("a service that sends neither traces nor error reports has none of their packages in memory", () => {
  const told = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", PROGRAM], {
    cwd: repositoryDir,
    encoding: "utf8",
  });
  const { off, on } = JSON.parse(told) as { off: string[]; on: string[] };
  expect(off).to.deep.equal([]);
  expect(on).to.include("@opentelemetry/sdk-trace");
});
