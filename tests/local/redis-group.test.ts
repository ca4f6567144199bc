import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { freePort } from "../../local/free-port.ts";
import { until } from "../../local/poll.ts";
import { startTimeOf } from "../../local/process-identity.mjs";
import type { GroupNode, RedisGroup } from "../../local/redis-group/settings.ts";
import { portsOfGroup, startRedisGroup } from "../../local/redis-group.ts";
import { LocalStackError } from "../../local/store.ts";
import { HANG_MS } from "../support/patience.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("A group of Redis processes on this machine", () => {
  /** A Sentinel writes its own password back without quotes: one with blanks ends its next start. */
  const passwords = { cluster: 'p@ss/w:rd #1 "한글" \\', sentinel: "p@ss/w:rd#1,한글" };
  let dir: ReturnType<typeof temporaryDir>;
  let group: RedisGroup | undefined;

  beforeEach(() => {
    dir = temporaryDir();
  });

  afterEach(async () => {
    await group?.kill();
    group = undefined;
    dir.remove();
  });

  const start = async (kind: RedisGroup["kind"], ports?: readonly number[]) => {
    group = await startRedisGroup({
      ...{ kind, folder: join(dir.path, "group"), password: passwords[kind], failedAfterMs: 1_000 },
      ...(ports === undefined ? {} : { ports }),
    });
    return group;
  };

  /** Kills the master of the key, and resolves with the node that took over. */
  async function failOver(of: RedisGroup, key: string): Promise<GroupNode> {
    const old = await of.masterOf(key);
    await old.kill();
    let next: GroupNode | undefined;
    const taken = async () => {
      next = await of.masterOf(key).catch(() => undefined);
      return next !== undefined && next !== old;
    };
    expect(await until(taken, HANG_MS, 50), "a replica has taken over").to.equal(true);
    await old.start();
    await of.untilWhole();
    return next as GroupNode;
  }

  for (const kind of ["cluster", "sentinel"] as const) {
    it(`${kind}: a master that is killed is replaced, and all come back as they were`, async () => {
      const first = await start(kind);
      expect(first.nodes.map(({ role }) => role[0]).join("")).to.equal(
        kind === "cluster" ? "mmmrrr" : "mrrsss",
      );
      const key = "{a}:key";
      expect(await (await first.masterOf(key)).ask("SET", key, "value")).to.equal("OK");
      await (await first.masterOf(key)).ask("WAIT", "1", String(HANG_MS));
      const next = await failOver(first, key);
      expect(await next.ask("GET", key)).to.equal("value");

      const pids = first.nodes.map(({ pid }) => pid ?? 0);
      await first.stop();
      expect(pids.map((pid) => startTimeOf(pid))).to.deep.equal(pids.map(() => undefined));
      const second = await start(kind);
      const at = second.nodes.map(({ port }) => port);
      expect(at).to.deep.equal(first.nodes.map(({ port }) => port));
      const master = await second.masterOf(key);
      // On a busy machine another one may have become the master meanwhile: it has the same data.
      expect(await master.ask("GET", key)).to.equal("value");
    });
  }

  it("keeps the password in files of its user alone, and not in a command line", async () => {
    const { nodes } = await start("sentinel");
    for (const { dir: folder = "", pid } of nodes) {
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.to.include("p@ss");
      expect(statSync(folder).mode & 0o077).to.equal(0);
    }
  });

  it("says which ports are taken, and which are those of the folder", async () => {
    const ports: number[] = [];
    while (ports.length < portsOfGroup({ kind: "sentinel" })) ports.push(await freePort());
    const first = await start("sentinel", ports);
    const taken = await start("sentinel", ports).catch((error: unknown) => error);
    expect(taken).to.be.instanceOf(LocalStackError);
    expect(String(taken)).to.include(`Ports ${ports.join(", ")} on 127.0.0.1 already in use. Stop `);
    await first.stop();
    const others = await start("sentinel", ports.toReversed()).catch(String);
    expect(others).to.match(/The Redis group in .* has the ports .* Remove that folder/);
    expect(await start("cluster").catch(String)).to.match(/has the kind sentinel\. Remove/);
  });
});
