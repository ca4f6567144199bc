import type { Words } from "./words.ts";

export const EN: Words = {
  lang: "en",
  ownName: "English",
  page: "Coupon launch",
  scenes: {
    noCampaign: ["This address names no launch", "Open the page by the link that the shop gave you."],
    unknownCampaign: ["There is no such launch", "Check the link that the shop gave you."],
    connecting: ["One moment", "The page asks for the time of the start."],
    offline: ["You are offline", "The page goes on by itself when your device has a network again."],
    unreachable: [
      "Still connecting",
      "There was no answer yet. The page keeps asking; you need not reload it.",
    ],
    signIn: [
      "Sign in at the shop first",
      "These coupons are for customers who are signed in. Open the launch from the shop's page.",
    ],
    signInAgain: [
      "Please sign in again",
      "Your sign-in at the shop has expired. Open the launch from there again; nothing is lost.",
    ],
    shopSilent: [
      "The shop is silent",
      "It has not confirmed who you are. The page asks again; a press asks at once.",
    ],
    notAllowed: [
      "Not open to this account",
      "The shop does not let this account claim here. Ask the shop if you think it should.",
    ],
    wrongUser: ["Check your ID", "The service does not accept this ID. Type it as the shop shows it."],
    unclear: [
      "The answer was unclear",
      "It is not known whether you have a coupon. Ask again: you get the same one, never two.",
    ],
    early: ["Not open yet", "Press now and the page claims for you at the start, or press at the start."],
    queued: ["You are ready", "Keep this page open and in view. It claims your coupon at the start."],
    turn: ["It has opened", "Your turn comes in a moment. You need not press again."],
    readying: ["Opening any moment", "The start has come, and the last preparations are under way."],
    open: ["Open now", "One press is enough. Pressing more often changes nothing."],
    asking: ["Asking for your coupon", "One moment. You need not press again."],
    askingInOtherTab: [
      "Your other tab is asking",
      "You pressed in another tab, and one is enough. Your coupon is shown here, too, once it has it.",
    ],
    busy: ["Many are asking at once", "The page asks again by itself in a moment. Pressing changes nothing."],
    askingOffline: [
      "You are offline",
      "Your claim is not lost. The page asks as soon as your device has a network again.",
    ],
    askingUnreachable: [
      "No answer yet",
      "It may have worked already. The page keeps asking, and you get one coupon, not two.",
    ],
    paused: ["Paused by the shop", "No coupons are given for the moment. This page shows when it goes on."],
    pausedWanted: ["Paused by the shop", "Keep this page open: it claims for you when the shop goes on."],
    soldOut: ["All coupons are gone", "If you claimed one before, you can still see it here."],
    gone: ["All coupons are gone", "You have none this time. If the shop adds coupons, this page shows it."],
    hasAll: [
      "You have all your coupons",
      "Each customer gets so many, and you have them. Look where you claimed them.",
    ],
    ended: ["The launch is over", "If you claimed a coupon before, you can still see it here."],
    endedWithout: ["The launch is over", "You have no coupon of this launch."],
    cancelled: [
      "The shop cancelled this launch",
      "No more coupons are given. One that you have already stays yours.",
    ],
    issuedInOtherTab: [
      "This coupon is yours",
      "Your other tab has claimed it. Both tabs show the same coupon: you have one, not two.",
    ],
    issued: [
      "This coupon is yours",
      "Copy the code or write it down. The shop says what it is for, and until when.",
    ],
  },
  buttons: {
    claim: "Get my coupon",
    early: "Claim for me at the start",
    look: "Show my coupon",
    again: "Ask again",
    waiting: "Waiting…",
    copy: "Copy the code",
  },
  startsIn: "Starts in",
  days: (days) => (days === 1 ? "1 day" : `${days} days`),
  marks: [
    [600, "Ten minutes to the start"],
    [60, "One minute to the start"],
    [10, "Ten seconds to the start"],
  ],
  code: "Your code",
  issued: (instant) => `Issued ${instant}`,
  copied: "Copied",
  selected: "Selected: copy it with the keys or the menu of your device",
  typeBack: "Wrote it down? Type it back to check",
  typed: {
    empty: "Spaces and hyphens do not matter.",
    right: "That is right.",
    unfinished: (typed, length) => `Right so far: ${typed} of ${length}`,
    wrong: (at) => `Character ${at} is different.`,
  },
  userId: "Your ID at the shop",
  userIdMissing: "Type your ID first.",
  isFor: (user) => `For ${user}`,
  change: "Use another ID",
};
