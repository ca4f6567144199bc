import { expect } from "chai";
import { believedMaster, type SentinelAnswer } from "../../pool/believed-master.ts";

const answer = (host: string, epoch: number): SentinelAnswer => ({ master: { host, port: 1 }, epoch });
const fresh = { sentinels: 3, epoch: Number.NEGATIVE_INFINITY, inUse: undefined };
const known = (epoch: number, host: string) => ({ sentinels: 3, epoch, inUse: { host, port: 1 } });

describe("Which Sentinel is believed", () => {
  const believed = (answers: readonly SentinelAnswer[], knowledge: Parameters<typeof believedMaster>[1]) =>
    believedMaster(answers, knowledge)?.master.host;

  it("the one with the newest configuration, also against two that agree", () => {
    expect(believed([answer("old", 4), answer("new", 5), answer("old", 4)], fresh)).to.equal("new");
    expect(believed([answer("new", 0)], fresh)).to.equal("new");
  });

  it("none whose configuration is older than what was believed, unless all are", () => {
    expect(believed([answer("old", 4)], known(5, "new"))).to.equal(undefined);
    expect(believed([answer("old", 4), answer("old", 4)], known(5, "new"))).to.equal(undefined);
    expect(believed([answer("anew", 0), answer("anew", 0), answer("anew", 0)], known(5, "new"))).to.equal(
      "anew",
    );
    expect(believed([], known(5, "new"))).to.equal(undefined);
  });

  it("of several with the same, the master in use, else the one that most name", () => {
    const answers = [answer("a", 1), answer("b", 1), answer("b", 1)];
    expect(believed(answers, known(1, "a"))).to.equal("a");
    expect(believed(answers, fresh)).to.equal("b");
    expect(believed(answers, known(0, "gone"))).to.equal("b");
  });
});
