import { expect } from "chai";
import { ISSUE_PATH } from "../../../server/rpc/issue-answer.ts";
import { fuzz } from "./fuzz.ts";
import { readOptions } from "./options.ts";
import type { Tamper } from "./servers.ts";

const SEED = 1;
const CASES = 150;
/** Enough to find each planted fault, several times over. */
const PLANTED_CASES_MOST = 2_000;

describe("the fast path under fuzz", () => {
  it(`answers ${CASES} random connections as the framework alone does`, async () => {
    const { cases, requests, fast, found } = await fuzz({ seed: SEED, goOn: (done) => done < CASES });
    expect(found?.words, `npm run fuzz -- --seed ${found?.seed}`).to.equal(undefined);
    expect(cases).to.equal(CASES);
    // Not only one of the two: the fast path answers many requests, and leaves many to the framework.
    expect(fast / requests, "answered by the fast path").to.be.within(0.2, 0.8);
  });

  const faults: Record<string, Tamper> = {
    "a content type that is not its own is taken": ({ headers }) => {
      if (headers["content-type"]?.startsWith("text/")) headers["content-type"] = "application/json";
    },
    "a field is ignored": ({ headers }) => {
      delete headers["content-encoding"];
    },
    "the last byte of a body is cut": (request) => {
      const length = Number(request.headers["content-length"]);
      if (request.url === ISSUE_PATH && length > 1) request.headers["content-length"] = String(length - 1);
    },
  };
  for (const [name, tamper] of Object.entries(faults)) {
    it(`is found out where ${name}`, async () => {
      const goOn = (done: number) => done < PLANTED_CASES_MOST;
      expect((await fuzz({ seed: SEED, goOn, tamper })).found?.words).to.be.a("string");
    });
  }

  it("begins where it is told, and with what is no number not at all", () => {
    expect(readOptions(["--seconds", "5", "--seed", "7"])).to.deep.equal({
      seconds: 5,
      seed: 7,
      help: false,
    });
    expect(readOptions([]).seed).to.be.greaterThan(0);
    expect(() => readOptions(["--seconds", "soon"])).to.throw("seconds");
  });
});
