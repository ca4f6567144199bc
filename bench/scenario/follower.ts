import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { exitOf, inheritedEnvironment, killChild, spawnKept } from "../../local/child.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";

/** `coupon watch --json`, or `launch`, read as another program would read it, through the whole launch. */
export type Follower = {
  /** Every change of state that it received, in order: "SCHEDULED → OPEN". */
  readonly changes: readonly string[];
  readonly messages: number;
  /** Whether it has received the change to ENDED. */
  readonly hasEnded: boolean;
  stop(): Promise<void>;
};

/** The fields of a line that are used here. */
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

  // A watch ends when the campaign is sold out. Coupons may be added to it, so the follower starts the watch
  // again, from the last change that it received.
  async function follow(): Promise<void> {
    while (!stopping && last !== "ENDED") {
      const from = ["--interval", "200", "--after", String(revision)];
      child = spawnKept(process.execPath, [LAUNCHER, "--json", "--url", url, verb, campaignId, ...from], {
        env: { ...inheritedEnvironment(), COUPON_TOKEN: OPERATOR_TOKEN },
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
