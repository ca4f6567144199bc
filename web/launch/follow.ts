import type { Clock, Countdown, CountdownView } from "../../client/coupon-client.ts";

/** A countdown that ended on something that may pass is begun again after so long. */
const AGAIN_MS = 10_000;

/** Sees all views of a campaign, for ever, except that the campaign does not exist. */
export function follow(
  countdownOf: () => Countdown,
  { clock, random }: { readonly clock: Pick<Clock, "after">; readonly random: () => number },
  see: (view: CountdownView) => void,
): void {
  const countdown = countdownOf();
  countdown.subscribe((view) => {
    see(view);
    const isGoingOn = view.kind === "campaign" || view.kind === "connecting";
    if (isGoingOn || view.kind === "unknownCampaign") return;
    countdown.close();
    clock.after(AGAIN_MS * (0.5 + random()), () => follow(countdownOf, { clock, random }, see));
  });
}
