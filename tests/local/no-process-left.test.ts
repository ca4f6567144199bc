import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { startTimeOf } from "../../local/process-identity.mjs";
import { type ServiceProcess, startService } from "../../local/service-process.ts";
import { startStack } from "../../local/stack.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

interface Said {
  readonly pids: readonly number[];
  readonly redisUrl: string;
}

describe("No process is left behind", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let parent: ServiceProcess | undefined;

  beforeEach(() => {
    dir = temporaryDir();
  });

  afterEach(async () => {
    await parent?.kill();
    dir.remove();
  });

  const startParent = async (ending: "stay" | "exit" | "throw"): Promise<Said> => {
    parent = startService({
      env: {},
      entry: "tests/local/fixtures/parent-of-stores.ts",
      args: [dir.path, ending],
    });
    return JSON.parse(await parent.waitForLine((line) => line.startsWith("{"), HANG_MS)) as Said;
  };
  const alive = (pids: readonly number[]) => pids.filter((pid) => startTimeOf(pid) !== undefined);
  const expectAllGone = async (pids: readonly number[]) => {
    await until(() => alive(pids).length === 0, HANG_MS);
    expect(alive(pids)).to.deep.equal([]);
  };

  it("when the parent is killed with kill -9, paused children included", async () => {
    const { pids } = await startParent("stay");
    expect(alive(pids)).to.have.length(4);
    process.kill(pids[1] ?? 0, "SIGSTOP");
    process.kill(parent?.pid ?? 0, "SIGKILL"); // only the parent: its children have groups of their own
    await expectAllGone(pids);
  });

  it("when Ctrl-C ends a parent that does not listen for it", async () => {
    const { pids } = await startParent("stay");
    process.kill(-(parent?.pid ?? 0), "SIGINT");
    await expectAllGone(pids);
  });

  it("when the parent ends without stopping them", async () => {
    const { pids } = await startParent("exit");
    await expectAllGone(pids);
    expect((await parent?.exited)?.code).to.equal(0);
  });

  it("when the parent dies of an uncaught error", async () => {
    const { pids } = await startParent("throw");
    await expectAllGone(pids);
    expect((await parent?.exited)?.code).to.equal(1);
  });

  it("and the folder they were on can be used again at once", async () => {
    const said = await startParent("stay");
    process.kill(parent?.pid ?? 0, "SIGKILL");
    const stack = await startStack({ dataDir: dir.path });
    try {
      expect(stack.joined).to.equal(false);
      expect(stack.redis.url).not.to.equal(said.redisUrl);
      expect(alive(said.pids.slice(0, 2))).to.deep.equal([]);
    } finally {
      await stack.stop();
    }
  });
});
