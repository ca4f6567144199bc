import { expect } from "chai";
import type { HistoryEntry, Outcome } from "../../audit/history.ts";
import type { Told } from "../../bench/scenario/coupon.ts";
import { tallyOf } from "../../bench/scenario/crowd.ts";
import { firstIssues, mustHear } from "../../bench/scenario/launch.ts";
import { readOptions } from "../../bench/scenario/options.ts";
import {
  Broken,
  createStage,
  jsonLinesOf,
  jsonOf,
  must,
  mustCome,
  mustExit,
} from "../../bench/scenario/stage.ts";
import { Trouble } from "../../bench/trouble.ts";

const quiet = new AbortController().signal;

function entry(outcome: Outcome): HistoryEntry {
  const at = { invokedAtMs: 1, answeredAtMs: 2, invokedOrder: 1, answeredOrder: 2 };
  return { claimKey: "u", ...at, outcome };
}

const issued = (replayed: boolean) => entry({ kind: "issued", code: "a", seq: 1, issuedAtMs: 1, replayed });
const refused = (reason: string) => entry({ kind: "refused", reason });

function told(change: Partial<Told> = {}): Told {
  return { verb: "pause", exitCode: 0, stdout: "{}", stderr: "", startedAtMs: 1, endedAtMs: 2, ...change };
}

describe("scenario: its checks can fail", () => {
  it("a step that asserts what is not so is told, and ends the scenario", async () => {
    const said: string[] = [];
    const stage = createStage((line) => said.push(line), quiet);
    await stage.step("one", async () => "went well");
    const isTold = () => said.length > 5;
    const failing = stage.step("two", async () => {
      must(isTold(), "nobody was told PAUSED");
      return "";
    });
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Broken);
    expect(stage.steps).to.equal(2);
    expect(said[0]).to.match(/^ {2}ok .*one.*went well$/);
    expect(said[1]).to.match(/^ {2}FAIL two.*nobody was told PAUSED$/);
  });

  it("anything that is thrown fails the step; what no launch can help, such as a dead service, is no failed step", async () => {
    const stage = createStage(() => {}, quiet);
    const thrown = (error: Error) =>
      stage.step("one", () => Promise.reject(error)).catch((caught: unknown) => caught);
    expect(await thrown(new TypeError("x is undefined"))).to.be.instanceOf(Broken);
    expect(await thrown(new Trouble("service 1 ended"))).to.be.instanceOf(Trouble);
    const over = new AbortController();
    over.abort(new Trouble("over"));
    const late = createStage(() => {}, over.signal).step("one", async () => "");
    expect(await late.catch((caught: unknown) => caught)).to.be.instanceOf(Trouble);
  });

  it("a command must end as expected, and write JSON", () => {
    expect(mustExit(told(), 0)).to.include({ verb: "pause" });
    expect(() => mustExit(told({ exitCode: 3, stderr: "it has ended" }), 0)).to.throw(
      Broken,
      "coupon pause ended with 3 instead of 0: it has ended",
    );
    expect(jsonOf(told({ stdout: '{"already":true}' }))).to.deep.equal({ already: true });
    expect(() => jsonOf(told({ stdout: "paused" }))).to.throw(Broken, "no JSON document: paused");
    expect(jsonLinesOf(told({ stdout: "1\n2\n" }))).to.deep.equal([1, 2]);
  });

  it("the crowd must hear what it should and nothing else", () => {
    const heard = [issued(true), refused("PAUSED"), refused("PAUSED")];
    expect(mustHear(heard, { each: ["PAUSED", "again"] })).to.equal("the crowd: 2 PAUSED, 1 again");
    expect(() => mustHear([...heard, issued(false)], { each: ["PAUSED", "again"] })).to.throw(
      "was told issued",
    );
    expect(() => mustHear(heard, { each: ["PAUSED", "again", "issued"] })).to.throw("nobody was told issued");
    expect(() => mustHear([], { each: ["PAUSED"] })).to.throw("nobody was told PAUSED");
    expect(firstIssues([...heard, issued(false)])).to.have.length(1);
    expect([...tallyOf([entry({ kind: "unknown", message: "timed out" })])]).to.deep.equal([["unclear", 1]]);
  });

  it("what must come about fails where it does not in time", async () => {
    await mustCome("it", () => true, 0, quiet);
    const never = await mustCome("the first coupon", () => false, 0, quiet).catch((error: unknown) => error);
    expect(never).to.be.instanceOf(Broken).and.to.have.property("message").that.includes("the first coupon");
  });

  it("bad flags are named", () => {
    expect(readOptions(["--rate", "500", "--seed", "7"])).to.include({
      ratePerSecond: 500,
      seed: 7,
      total: 5_000,
    });
    expect(() => readOptions(["--rate", "1"])).to.throw("--rate");
    expect(() => readOptions(["--total", "many"])).to.throw("--total");
    expect(() => readOptions(["--nonsense"])).to.throw("--nonsense");
  });
});
