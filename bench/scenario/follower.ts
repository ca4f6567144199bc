import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";

/** `coupon watch --json`, or `launch`, as another program would read it, all through the launch. */
export type Follower = {
  /** The states it was told, without repetitions. */
  readonly states: readonly string[];
  readonly messages: number;
  stop(): Promise<void>;
};

const LAUNCHER = fileURLToPath(new URL("../../cli/coupon.mjs", import.meta.url));
const STATE = "CAMPAIGN_STATE_";

export function startFollower(verb: "watch" | "launch", url: string, campaignId: string): Follower {
  const states: string[] = [];
  let messages = 0;
  let stopping = false;
  let child: ReturnType<typeof spawnKept>;

  // A watch ends when all is gone; a campaign that coupons are added to goes on, and so do we.
  async function follow(): Promise<void> {
    while (!stopping) {
      child = spawnKept(
        process.execPath,
        [LAUNCHER, "--json", "--url", url, verb, campaignId, "--interval", "200"],
        { env: inheritedEnvironment(), stdio: ["ignore", "pipe", "inherit"] },
      );
      const exited = exitOf(child);
      if (child.stdout !== null) {
        for await (const line of createInterface({ input: child.stdout })) {
          const { campaign } = JSON.parse(line) as { campaign?: { state?: string } };
          messages += 1;
          const state = campaign?.state?.replace(STATE, "");
          if (state !== undefined && state !== states.at(-1)) states.push(state);
        }
      }
      await exited;
      if (states.at(-1) === "ENDED") return;
    }
  }
  const following = follow();
  following.catch(() => {});
  return {
    states,
    get messages() {
      return messages;
    },
    async stop() {
      stopping = true;
      await killChild(child);
      await following;
    },
  };
}
