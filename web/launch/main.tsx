import { render } from "preact";
import { campaignIn, takeToken } from "./address.ts";
import type { CouponToken } from "./customer.ts";
import { createKeeper } from "./kept.ts";
import { wordsFor } from "./languages.ts";
import type { Launch } from "./launch.ts";
import { nextTask } from "./next-task.ts";
import { openLaunch } from "./open-launch.ts";
import { Page } from "./page.tsx";
import type { LaunchState } from "./scene.ts";
import { prepareStartText } from "./times.ts";
import { createTokenOfTab } from "./token.ts";
import type { Words } from "./words.ts";

declare global {
  interface Window {
    /** A shop's own page may give the token of the customer by this, anew for each try. */
    couponToken?: CouponToken;
  }
}

const root = document.getElementById("app");
const campaignId = campaignIn(location.pathname);
const tokenOfTab = createTokenOfTab(campaignId ?? "", () => sessionStorage);
const given = takeToken(location, history);
if (given !== undefined) tokenOfTab.set(given);

let words = wordsFor(navigator.languages);
const launch =
  campaignId === undefined
    ? undefined
    : openLaunch(campaignId, {
        ...{ baseUrl: "", storage: "local", tokenOfTab, couponToken: () => window.couponToken },
        keeper: createKeeper(campaignId, () => localStorage, window),
      });
const nowhere: LaunchState = {
  ...{ campaignId: undefined, campaign: undefined, isOnline: true, user: "", hasToken: false },
  ...{ shop: "known", isWanted: false, claim: { phase: "idle" }, coupon: undefined, isOtherTabs: false },
};

function show(): void {
  if (root === null) return;
  const choose = (chosen: Words): void => {
    words = chosen;
    show();
  };
  const state = launch?.state() ?? nowhere;
  const press = (): void => launch?.press();
  const setUser = (user: string): void => launch?.setUser(user);
  render(<Page {...{ state, words, choose, press, setUser }} />, root);
}

/**
 * A task for each part, as a phone takes long for all of them together: the questions to the service first,
 * which then take their time beside the rest.
 */
async function open(): Promise<void> {
  await nextTask();
  if (launch !== undefined) begin(launch);
  await nextTask();
  show();
  launch?.subscribe(show);
  await nextTask();
  prepareStartText(words.lang);
}

function begin(launch: Launch): void {
  const seeConnection = (): void => launch.setOnline(navigator.onLine);
  addEventListener("online", seeConnection);
  addEventListener("offline", seeConnection);
  addEventListener("hashchange", () => {
    const renewed = takeToken(location, history);
    if (renewed === undefined) return;
    tokenOfTab.set(renewed);
    launch.signIn();
  });
  launch.begin();
  seeConnection();
}

void open();
