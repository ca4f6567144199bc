import { setTimeout as sleep } from "node:timers/promises";
import { commands } from "../../cli/vocabulary.ts";
import { layGround } from "../ground.ts";
import { type Clients, connectClients } from "../load/connect-client.ts";
import { OPERATOR_TOKEN } from "../operator-token.ts";
import { orAborted, type Releases } from "../releases.ts";
import { afterwards } from "./afterwards.ts";
import { beforeTheStart } from "./before.ts";
import { type Coupon, createCoupon } from "./coupon.ts";
import { startCrowd } from "./crowd.ts";
import { type Follower, startFollower } from "./follower.ts";
import { type Change, crowdWords, EXIT, type Launch } from "./launch.ts";
import type { ScenarioOptions } from "./options.ts";
import { aCampaignCalledOff, theSale } from "./sale.ts";
import { Broken, createStage, jsonOf, must, mustExit, type Stage } from "./stage.ts";

export type ScenarioContext = {
  readonly options: ScenarioOptions;
  readonly releases: Releases;
  readonly controller: AbortController;
  readonly say: (line: string) => void;
};

const POLL_MS = 50;
/** These commands run through the whole launch, each with its output in a pipe, at a server of its own. */
const FOLLOWING: readonly ("watch" | "launch")[] = ["watch", "launch"];
/** They need an identity provider: tests/cli/login.test.ts runs them with a real one. */
const WITH_PROVIDER = ["login", "logout"];
/** The changes that both must report, each once and in order, however late they read them. */
const EVERY_STATE = [
  "GENERATING → SCHEDULED",
  "SCHEDULED → OPEN",
  "OPEN → PAUSED",
  "PAUSED → OPEN",
  "OPEN → SOLD_OUT",
  "SOLD_OUT → OPEN",
  "OPEN → SOLD_OUT",
  "SOLD_OUT → ENDED",
];
/** A bound against hanging only: a busy machine may take long to start the command again. */
const FOLLOWED_WITHIN_MS = 120_000;

/** Waits for the follower's end, or the deadline. The changes so far are judged in both cases. */
async function followed(follower: Follower, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + FOLLOWED_WITHIN_MS;
  while (!follower.hasEnded && performance.now() < untilMs) await sleep(POLL_MS, undefined, { signal });
}

/**
 * Runs the whole launch; no step follows one that failed. The caller releases the resources with `releases`.
 */
export async function runScenario(context: ScenarioContext): Promise<{ pass: boolean; line: string }> {
  const { options, controller, releases, say } = context;
  const { signal } = controller;
  const stage = createStage(say, signal);
  const facts = { asked: 0, broken: "" };
  try {
    say(
      `A launch of ${options.total.toLocaleString("en")} coupons under ${options.ratePerSecond} requests a second, seed ${options.seed}`,
    );
    const ground = await layGround(
      { name: "scenario", servers: 2, keep: options.keep },
      releases,
      controller,
    );
    if (options.keep) say(`  data  ${ground.dataDir}  (kept)`);
    const clients = connectClients(ground.urls[0], OPERATOR_TOKEN);
    releases.add("the client", () => clients.close());
    const coupon = createCoupon(ground.urls, ground.dataDir, signal);
    const campaignId = await created(stage, coupon, clients, options.total);

    const crowd = startCrowd({ urls: ground.urls, campaignId, signal, ...options });
    const followers = FOLLOWING.map((verb, i) => {
      const follower = startFollower(verb, ground.urls[i % ground.urls.length] ?? ground.urls[0], campaignId);
      releases.add(`coupon ${verb}`, () => follower.stop());
      return { verb, follower };
    });
    const launch: Launch = {
      ground,
      clients,
      coupon,
      crowd,
      stage,
      campaignId,
      total: options.total,
      signal,
    };
    await beforeTheStart(launch);
    await theSale(launch);
    await aCampaignCalledOff(launch);
    await stage.step("the crowd goes home", async () => {
      const { asked, worstLagMs } = await orAborted(crowd.stop(), signal);
      facts.asked = asked;
      const unclear = crowd.history.filter(({ outcome }) => outcome.kind === "unknown");
      return `${asked.toLocaleString("en")} requests, started at worst ${worstLagMs.toFixed(0)} ms late, ${unclear.length} unclear answers; ${crowdWords(crowd.history)}`;
    });
    await stage.step("watch --json and launch --json", async () => {
      for (const { verb, follower } of followers) {
        await followed(follower, signal);
        const [told, wanted] = [follower.changes.join(", "), EVERY_STATE.join(", ")];
        must(told === wanted, `coupon ${verb} was to tell ${wanted}; it told ${told || "none"}`);
      }
      const counts = followers.map(({ verb, follower }) => `${verb} ${follower.messages} messages`);
      return `${counts.join(", ")}: ${EVERY_STATE.join(", ")}`;
    });
    await afterwards(launch);
    await stage.step("every verb", async () => {
      const unused = commands
        .map(({ name }) => name)
        .filter(
          (name) =>
            !coupon.verbs.has(name) && ![...FOLLOWING, ...WITH_PROVIDER].some((verb) => verb === name),
        );
      must(unused.length === 0, `not used: ${unused.join(", ")}`);
      return [...coupon.verbs].join(", ");
    });
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    facts.broken = error.message;
  }
  const pass = facts.broken === "";
  const words = `steps=${stage.steps} requests=${facts.asked} seed=${options.seed}`;
  return { pass, line: `scenario: ${pass ? "PASS" : "FAIL"} ${words}` };
}

/** Creates the campaign, with its start an hour ahead: many steps come before the opening. */
async function created(stage: Stage, coupon: Coupon, clients: Clients, total: number): Promise<string> {
  let campaignId = "";
  const args = ["create", "--name", "Scenario", "--total", String(total), "--start", "+1h", "--one-per-user"];
  await stage.step("create --dry-run", async () => {
    mustExit(await coupon([...args, "--dry-run"]), EXIT.ok);
    const { campaigns } = await clients.campaigns.listCampaigns({});
    must(campaigns.length === 0, "a dry run created a campaign");
    return "nothing was created";
  });
  await stage.step("create", async () => {
    const { campaign } = jsonOf<Change>(mustExit(await coupon([...args, "--wait"]), EXIT.ok));
    must(campaign.state === "CAMPAIGN_STATE_SCHEDULED", `it is ${campaign.state}`);
    campaignId = campaign.id;
    return `${campaign.id}, opens at ${campaign.startsAt}`;
  });
  return campaignId;
}
