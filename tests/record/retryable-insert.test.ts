import { expect } from "chai";
import {
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
  type TopologyDescription,
} from "mongodb";
import { isRepeatable, repeatInsert } from "../../record/retryable-insert.ts";
import { UncertainInsert } from "../../record/unordered-insert.ts";
import { fakeClock } from "../support/fake-clock.ts";

const answer = (code: number) => new MongoServerError({ ok: 0, code, errmsg: `error ${code}` });
const unmet = (code: number, ...refused: readonly number[]) =>
  new MongoWriteConcernError({
    ...{ ok: 1, writeConcernError: { code, errmsg: `error ${code}` } },
    ...(refused.length === 0 ? {} : { writeErrors: refused.map((one, index) => ({ index, code: one })) }),
  } as never);
const partly = (...codes: readonly number[]) => new UncertainInsert("insert into issuances", codes);

const STATE_CHANGES = [10107, 13435, 13436, 11602, 11600, 189, 91];
const lost = new MongoNetworkError("connection 1 to 127.0.0.1:27017 closed");
const silence = new MongoServerSelectionError("no primary", {
  servers: new Map(),
} as unknown as TopologyDescription);

describe("record: which inserts are repeated", () => {
  for (const code of STATE_CHANGES)
    it(`${code}: as the error of the command, of its write concern, and of single documents`, () => {
      for (const error of [answer(code), unmet(code), unmet(code, 11000, code), partly(code, code)])
        expect(isRepeatable(error), error.message).to.equal(true);
    });

  it("a lost connection, and what MongoDB labels", () => {
    const labelled = answer(6);
    labelled.addErrorLabel("RetryableWriteError");
    expect(isRepeatable(lost)).to.equal(true);
    expect(isRepeatable(labelled)).to.equal(true);
  });

  for (const code of [64, 100])
    it(`not an unmet write concern, ${code}, whatever is beside it`, () => {
      const labelled = unmet(code);
      labelled.addErrorLabel("RetryableWriteError");
      for (const error of [
        unmet(code),
        unmet(code, 11602),
        unmet(code, 11000),
        labelled,
        partly(code),
        partly(11602, code),
      ])
        expect(isRepeatable(error), error.message).to.equal(false);
    });

  it("not where another error is beside the change of a primary", () => {
    expect(isRepeatable(unmet(189, 121))).to.equal(false);
    expect(isRepeatable(partly(11602, 121))).to.equal(false);
  });

  it("nothing else", () => {
    const others = [answer(13), answer(121), answer(50), silence, new Error("a bug"), "a string", undefined];
    for (const error of others) expect(isRepeatable(error), String(error)).to.equal(false);
  });
});

describe("record: the repetition of an insert", () => {
  /** Runs all that is due, with pauses of the clock between. */
  async function passing(clock: ReturnType<typeof fakeClock>, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      clock.pass(10);
    }
  }

  it("ends with the first answer, and tells each repetition", async () => {
    const clock = fakeClock();
    const told: string[] = [];
    let attempts = 0;
    const insert = async () => {
      attempts += 1;
      if (attempts < 4) throw answer(10107);
      return "durable";
    };
    const outcome = repeatInsert(insert, {
      ...{ clock, withinMs: 4_000, onRepeat: ({ message }) => void told.push(message) },
    });
    await passing(clock, 200);
    expect(await outcome).to.equal("durable");
    expect(told).to.deep.equal(Array(3).fill("error 10107"));
  });

  it("begins none after the deadline, and throws the last error", async () => {
    const clock = fakeClock();
    const atMs: number[] = [];
    const insert = async (): Promise<never> => {
      atMs.push(clock.elapsed());
      throw atMs.length === 1 ? lost : answer(11602);
    };
    const begun = clock.elapsed();
    const outcome = repeatInsert(insert, { clock, withinMs: 1_000, onRepeat: () => undefined }).catch(
      (error: unknown) => error,
    );
    await passing(clock, 3_000);
    expect(await outcome)
      .to.be.instanceOf(MongoServerError)
      .and.have.property("code", 11602);
    expect(atMs.length).to.be.within(5, 8);
    for (const ms of atMs) expect(ms - begun).to.be.below(1_000);
  });

  it("does not repeat what it must not, nor what began too late", async () => {
    const clock = fakeClock();
    for (const [error, slowMs] of [
      [unmet(64), 0],
      [answer(11602), 1_000],
    ] as const) {
      let attempts = 0;
      const insert = async (): Promise<never> => {
        attempts += 1;
        clock.pass(slowMs);
        throw error;
      };
      const outcome = repeatInsert(insert, { clock, withinMs: 1_000, onRepeat: () => undefined });
      expect(await outcome.catch((reason: unknown) => reason)).to.equal(error);
      expect(attempts).to.equal(1);
    }
  });
});
