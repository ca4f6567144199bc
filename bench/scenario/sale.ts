import { setTimeout as sleep } from "node:timers/promises";
import {
  type Change,
  changeTwice,
  crowdWords,
  EXIT,
  firstIssues,
  type Launch,
  mustHear,
  stateOf,
  untilState,
} from "./launch.ts";
import { jsonLinesOf, jsonOf, must, mustCome, mustExit } from "./stage.ts";

export const ADDED = 500;
/** How long the crowd's answers are collected in each state. */
const LOOK_MS = 2_000;
/** The share of buyers in the second sale, small so that it lasts … */
const SLOWLY = 0.1;
/** … and then large, so that it ends soon. */
const QUICKLY = 0.8;
/**
 * A server asks Redis again about a sold-out campaign within this time: later it no longer answers "sold out"
 * after a change.
 */
const FORGOTTEN_WITHIN_MS = 1_000;
/** A bound against hanging only. */
const NEW_COUPONS_WITHIN_MS = 120_000;

/** The steps from the opening to the end. */
export async function theSale(launch: Launch): Promise<void> {
  const { stage, coupon, crowd, campaignId, total, signal } = launch;
  const look = () => sleep(LOOK_MS, undefined, { signal });

  await stage.step("verify, live", async () => {
    mustExit(await coupon(["verify", campaignId]), EXIT.ok);
    return "every guarantee holds while coupons go out";
  });

  await stage.step("pause", async () => {
    const { first } = await changeTwice(launch, ["pause", campaignId], "PAUSED");
    await look();
    const held = crowd.between(first.endedAtMs);
    must(firstIssues(held).length === 0, `issued while paused: ${crowdWords(held)}`);
    return mustHear(held, { each: ["PAUSED", "again"] });
  });

  await stage.step("resume", async () => {
    const { first } = await changeTwice(launch, ["resume", campaignId], "OPEN");
    await look();
    const heard = () => firstIssues(crowd.between(first.endedAtMs)).length > 0;
    await mustCome("a coupon after the pause", heard, NEW_COUPONS_WITHIN_MS, signal);
    // No server answers "paused" from its memory: once the command has returned, no caller gets that answer.
    return mustHear(crowd.between(first.endedAtMs), { each: ["issued", "again"] });
  });

  await stage.step("issue, find, get, status", async () => {
    const user = ["--user", "an operator's friend"];
    const issued = mustExit(await coupon(["issue", campaignId, ...user]), EXIT.ok);
    const { coupon: given } = jsonOf<{ coupon: { code: string } }>(issued);
    const found = jsonOf<{ coupon: { code: string } }>(
      mustExit(await coupon(["find", campaignId, ...user]), EXIT.ok),
    );
    must(found.coupon.code === given.code, "find tells another code than issue");
    // As a user may type the code: with a blank, and with decomposed Hangul (NFD) as on some systems.
    const typed = `${given.code.slice(0, 4)} ${given.code.slice(4)}`.normalize("NFD");
    const holder = mustExit(await coupon(["find", "--code", typed]), EXIT.ok);
    must(holder.stdout.includes("an operator's friend"), "find --code does not tell who has it");
    for (const verb of ["get", "status"]) {
      const told = mustExit(await coupon([verb, campaignId]), EXIT.ok);
      must(told.stdout.includes("CAMPAIGN_STATE_OPEN"), `${verb} does not say that it is open`);
    }
    return "the same coupon each time, also by its code as it is typed";
  });

  await stage.step("sold out", async () => {
    crowd.setAppetite(QUICKLY);
    const issued = await untilState(launch, "SOLD_OUT");
    must(issued === total, `${issued} of ${total} were issued`);
    const fromMs = Date.now();
    await look();
    return `${issued.toLocaleString("en")} issued; ${mustHear(crowd.between(fromMs), { each: ["SOLD_OUT", "again"] })}`;
  });

  await stage.step(`add ${ADDED}`, async () => {
    crowd.setAppetite(SLOWLY);
    const before = crowd.history.length;
    const unsure = ["add", campaignId, "--count", String(ADDED), "--request-id", "scenario-adds-once"];
    mustExit(await coupon(unsure), EXIT.notConfirmed);
    const args = [...unsure, "--yes"];
    const added = jsonOf<Change>(mustExit(await coupon(args), EXIT.ok));
    must(!added.already, "the first coupon add says that it was so already");
    const fresh = () => firstIssues(crowd.history.slice(before));
    await mustCome("the first added coupon", () => fresh().length > 0, NEW_COUPONS_WITHIN_MS, signal);
    const again = jsonOf<Change>(mustExit(await coupon(args), EXIT.ok));
    must(again.already, "the second coupon add with the same request id does not say already");
    must(again.campaign.total === total + ADDED, `it has ${again.campaign.total} coupons`);
    return `opens again with ${again.campaign.total.toLocaleString("en")}`;
  });

  await stage.step("sold out again", async () => {
    const issued = await soldOutAgain(launch);
    const words = nobodyHeldBack(launch);
    return `${issued.toLocaleString("en")} issued; ${words}`;
  });

  await stage.step("edit", async () => {
    await changeTwice(launch, ["edit", campaignId, "--name", "Scenario, sold out twice"], "SOLD_OUT");
    return "another name";
  });

  await stage.step("end", async () => {
    const unconfirmed = mustExit(await coupon(["end", campaignId]), EXIT.notConfirmed);
    must(unconfirmed.stderr.includes("--yes"), "it does not say what a script has to give");
    await untilState(launch, "SOLD_OUT");
    crowd.setAppetite(QUICKLY);
    const { first } = await changeTwice(launch, ["end", campaignId, "--yes"], "ENDED");
    await look();
    return mustHear(crowd.between(first.endedAtMs + FORGOTTEN_WITHIN_MS), { each: ["ENDED", "again"] });
  });

  await stage.step("resume, refused", async () => {
    const refused = mustExit(await coupon(["resume", campaignId]), EXIT.refused);
    must(/ENDED/.test(refused.stderr), `it does not say the state: ${refused.stderr}`);
    must(/edit/.test(refused.stderr), `it does not say what is allowed: ${refused.stderr}`);
    return "with the state and what is allowed";
  });
}

/** Waits for the end of the second sale, which is slow at first, so that it can be observed. */
async function soldOutAgain(launch: Launch): Promise<number> {
  const { crowd, total, signal } = launch;
  await sleep(LOOK_MS, undefined, { signal });
  crowd.setAppetite(QUICKLY);
  const issued = await untilState(launch, "SOLD_OUT");
  must(issued === total + ADDED, `${issued} of ${total + ADDED} were issued`);
  return issued;
}

/** From a second after the campaign re-opened to its last coupon, no caller got "sold out". */
function nobodyHeldBack({ crowd, total }: Launch): string {
  const order = firstIssues(crowd.history).sort((a, b) => a.answeredAtMs - b.answeredAtMs);
  // One coupon went to the step "issue", not to the crowd.
  const [reopened, last] = [order[total - 1], order.at(-1)];
  must(reopened !== undefined && last !== undefined, "coupons are missing in the crowd's record");
  const open = crowd.between(reopened.answeredAtMs + FORGOTTEN_WITHIN_MS, last.invokedAtMs);
  const told = open.filter(({ outcome }) => outcome.kind === "refused" && outcome.reason === "SOLD_OUT");
  must(told.length === 0, `${told.length} were told SOLD_OUT more than a second after it re-opened`);
  return crowdWords(open);
}

/** Cancels a campaign that is made for this step. */
export async function aCampaignCalledOff({ stage, coupon }: Launch): Promise<void> {
  await stage.step("cancel", async () => {
    const made = mustExit(
      await coupon(["create", "--name", "called off", "--total", "100", "--start", "+1h", "--wait"]),
      EXIT.ok,
    );
    const { id } = jsonOf<Change>(made).campaign;
    const unconfirmed = mustExit(await coupon(["cancel", id]), EXIT.notConfirmed);
    must(unconfirmed.stderr.includes("100"), "it does not say how many coupons would be lost");
    for (const already of [false, true]) {
      const change = jsonOf<Change>(mustExit(await coupon(["cancel", id, "--yes"]), EXIT.ok));
      must(change.already === already && stateOf(change) === "CANCELLED", `it is ${stateOf(change)}`);
    }
    const refused = mustExit(await coupon(["issue", id]), EXIT.refused);
    must(/CANCELLED|called off/i.test(refused.stderr), `a claim is told: ${refused.stderr}`);
    const listed = mustExit(await coupon(["list"]), EXIT.ok);
    must(listed.stdout.includes(id), "list does not know it");
    mustExit(await coupon(["verify", id]), EXIT.ok);
    const verbs = jsonLinesOf<{ verb: string }>(mustExit(await coupon(["history", id]), EXIT.ok));
    must(verbs[0]?.verb === "cancel", `its history ends with ${verbs[0]?.verb}`);
    return "its 100 codes are retired, claims are refused, the audit is clean";
  });
}
