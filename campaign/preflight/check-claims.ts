import { grouped } from "../../runtime/counting.ts";
import { ASK_MONGODB, alive, nameOf } from "./check-processes.ts";
import type { Facts } from "./facts.ts";
import { amber, green, type Judged } from "./line.ts";

/** Weaker codes can be found by guessing within hours, at the rate that one server answers. */
const GUESS_ODDS_MAX = 1e-9;

/** Whether somebody can claim, or read, another user's coupon. */
export function checkClaimAuth({ campaign, processes }: Facts): Judged {
  const { claimAuth } = campaign;
  if (claimAuth !== "open") return green(`the campaign demands a ${claimAuth} of every claim`);
  if (!processes.ok)
    return amber(`how servers authenticate claims cannot be read: ${processes.why}`, ASK_MONGODB);
  const servers = alive(processes.value, "server");
  const open = servers.find(({ claims }) => claims?.auth === "open" && claims.reachable);
  if (open !== undefined)
    return amber(
      `claims are open, and other machines reach ${nameOf(open)}: whoever sends a user's id gets that user's coupon`,
      "set CLAIM_AUTH to token or key, unless only trusted machines reach the service",
    );
  return green(
    servers.some(({ claims }) => claims?.auth === "open")
      ? "claims are open, on this machine alone"
      : "every server that reports it demands a credential of every claim",
  );
}

/** Whether codes can be guessed. */
export function checkCodeFormat({ guessOdds, campaign }: Facts): Judged {
  if (!guessOdds.ok)
    return amber(`how many codes of the format exist cannot be read: ${guessOdds.why}`, ASK_MONGODB);
  const odds = guessOdds.value;
  if (odds === undefined)
    return amber(
      "the format is of another version",
      "run preflight with the version that created the campaign",
    );
  const guess = `one guess in ${grouped(Math.round(1 / odds))} hits a code`;
  const imported = campaign.imported === true;
  const finding =
    odds === 0
      ? "no code exists"
      : imported
        ? `the codes were imported and are not judged by odds: if they are random, ${guess}`
        : guess;
  return odds > GUESS_ODDS_MAX
    ? amber(
        `${finding}: weaker than 1 in 1,000,000,000`,
        imported
          ? "import longer codes, or redeem codes together with their user"
          : "create the campaign with a longer format (coupon formats), or redeem codes together with their user",
      )
    : green(finding);
}
