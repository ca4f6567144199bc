import { expect } from "chai";
import {
  BACK_AFTER_MS,
  ISOLATED_AFTER_MS,
  type Isolation,
  judgeIsolation,
  NOT_ISOLATED,
} from "../../../server/readiness/isolation.ts";

const SECOND_MS = 1_000;

describe("when a server is isolated", () => {
  /** One look a second: `x` finds that others reach both stores and this server does not. `I`: isolated. */
  function judged(looks: string): string {
    let isolation: Isolation = NOT_ISOLATED;
    return [...looks]
      .map((look, at) => {
        isolation = judgeIsolation(isolation, look === "x", at * SECOND_MS);
        return isolation.isIsolated ? "I" : ".";
      })
      .join("");
  }

  it("after so long without a break, and back after so long without one", () => {
    expect([ISOLATED_AFTER_MS, BACK_AFTER_MS]).to.deep.equal([6 * SECOND_MS, 3 * SECOND_MS]);
    expect(judged("xxxxxx.")).to.equal(".......");
    expect(judged("xxxxxxxx....")).to.equal("......IIIII.");
    expect(judged("xxxxx.xxxxxxxx")).to.equal("............II");
    expect(judged("xxxxxxx..x..x...")).to.equal("......IIIIIIIIII");
  });
});
