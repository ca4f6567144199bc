import { Writable } from "node:stream";
import { expect } from "chai";
import { pino } from "pino";
import { QueueFull } from "../../claims/batch-queue.ts";
import { CircuitOpen } from "../../claims/breaker.ts";
import { loggingFailure } from "../../claims/stage.ts";
import { createUncertainLog } from "../../claims/uncertain-log.ts";
import type { Logger } from "../../runtime/logger.ts";
import { fakeClock } from "../support/fake-clock.ts";

describe("claims that fail: their causes are logged", () => {
  function open() {
    const lines: Record<string, unknown>[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _, done) {
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    });
    const logger: Logger = pino(stream);
    const clock = fakeClock();
    return { lines, logger, clock, log: createUncertainLog(logger, clock) };
  }

  it("a full commit queue and a bug are logged with campaign and cause, at most once a second, with how many there were", () => {
    const { lines, clock, log } = open();
    log("a", new Error("a claim was not committed", { cause: new QueueFull("committing") }));
    for (let i = 0; i < 4; i++) log("a", new TypeError("no such property"));
    expect(lines.map(({ campaign, requests }) => [campaign, requests])).to.deep.equal([["a", 1]]);
    expect(JSON.stringify(lines[0])).to.include("a claim was not committed").and.to.include("QueueFull");
    clock.pass(1_000);
    log("b", new TypeError("no such property"));
    expect(lines.map(({ campaign, requests }) => [campaign, requests])).to.deep.equal([
      ["a", 1],
      ["b", 5],
    ]);
  });

  it("a batch that failed is logged once for its requests; an open breaker has logged itself", async () => {
    const { lines, logger, log } = open();
    const failure = new Error("lost");
    const run = loggingFailure({ logger, campaignId: "a" }, "claiming", () => Promise.reject(failure));
    const caught = await run([1, 2]).catch((error: unknown) => error);
    for (let i = 0; i < 2; i++) log("a", caught);
    log("a", new Error("a claim was not committed", { cause: new CircuitOpen("MongoDB does not answer") }));
    expect(lines.map(({ msg, batch }) => [msg, batch])).to.deep.equal([
      ["claiming failed: it may or may not have happened", 2],
    ]);
  });
});
