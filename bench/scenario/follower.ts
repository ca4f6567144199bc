import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";

/** `coupon watch --json`, or `launch`, as another program would read it, all through the launch. */
export type Follower = {
  /** Every change of state that it was told, in the order in which it was: "SCHEDULED → OPEN". */
  readonly changes: readonly string[];
  readonly messages: number;
  /** It was told the end. */
  readonly hasEnded: boolean;
  stop(): Promise<void>;
};

/** One line, as far as it is looked at. */
type Message = {
  readonly revision?: number;
  readonly events?: readonly { readonly fromState?: string; readonly toState?: string }[];
};

const LAUNCHER = fileURLToPath(new URL("../../cli/coupon.mjs", import.meta.url));
const STATE = "CAMPAIGN_STATE_";

export function startFollower(verb: "watch" | "launch", url: string, campaignId: string): Follower {
  const changes: string[] = [];
  let last = "";
  let revision = 0;
  let messages = 0;
  let stopping = false;
  let child: ReturnType<typeof spawnKept>;

  function take({ events = [], revision: told = revision }: Message): void {
    messages += 1;
    revision = told;
    for (const { fromState = "", toState } of events) {
      if (toState === undefined) continue;
      last = toState.replace(STATE, "");
      changes.push(`${fromState.replace(STATE, "")} → ${last}`);
    }
  }

  // A watch ends when all is gone; a campaign that coupons are added to goes on, and so do we, from the last
  // change that we were told.
  async function follow(): Promise<void> {
    while (!stopping && last !== "ENDED") {
      const from = ["--interval", "200", "--after", String(revision)];
      child = spawnKept(process.execPath, [LAUNCHER, "--json", "--url", url, verb, campaignId, ...from], {
        env: inheritedEnvironment(),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = exitOf(child);
      if (child.stdout !== null)
        for await (const line of createInterface({ input: child.stdout })) take(JSON.parse(line) as Message);
      await exited;
    }
  }
  const following = follow();
  following.catch(() => {});
  return {
    changes,
    get hasEnded() {
      return last === "ENDED";
    },
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
