import { setTimeout as sleep } from "node:timers/promises";
import type { TrapSpec } from "../../../support/wire/proxy.ts";
import { writeClock } from "../ground/ground.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { setClock } from "./clocks.ts";
import { MOMENT_MS } from "./proofs.ts";
import {
  type Answer,
  isRefused,
  isState,
  type Redeemers,
  redeemersOf,
  soldCodes,
  type Verb,
  wordsOf,
} from "./redeeming.ts";

/** Few coupons and a short sale: what is redeemed is what counts. Redis has no part in it. */
const SMALL = { total: 60, users: 66, overMs: 400, leadMs: 900 } as const;
const COMMON = { forms: ["single"], sale: SMALL } as const;
const FIRST_WRITE = "findAndModify redemptions";
const LATER_WRITE = "update redemptions";
const DAY_S = 86_400;
const HELD_MS = 1_500;
const RACES = 20;
const CALLERS = 30;

type Scene = { readonly sale: Sale; readonly codes: readonly string[]; readonly redeemers: Redeemers };

/** A round that begins once all coupons are sold, and in which each of its codes is redeemed in the end. */
function redemptionRound(
  name: string,
  play: (scene: Scene) => Promise<void>,
  more: Partial<Omit<Round, "name" | "act">> = {},
): Round {
  return {
    ...{ ...COMMON, ...more, name },
    async act(sale) {
      const redeemers = redeemersOf(sale);
      await play({ sale, codes: await soldCodes(sale), redeemers });
      sale.faultOver();
    },
  };
}

/** Whatever else is so, this answer must be: a live reservation is lost otherwise. */
function expectState(sale: Sale, answer: Answer, state: "CONFIRMED" | "RESERVED", invariant = "R3"): void {
  if (!isState(answer, state)) sale.found(invariant, `${wordsOf(answer)} in place of ${state}`);
}

const inAll = <T>(items: readonly T[], work: (item: T, i: number) => Promise<Answer>) =>
  Promise.all(items.map(work));

/** Kills server 0 with a write held, before or after MongoDB has it; server 1 then gets the same call. */
async function killAtWrite({ sale, codes, redeemers }: Scene, at: TrapSpec["at"]): Promise<void> {
  const [code = ""] = codes;
  const redemptions = sale.ground.db.collection<{ _id: string }>("redemptions");
  const trap = sale.server(0).mongodb.trap({ at, kind: FIRST_WRITE, deed: "hold" });
  const first = redeemers.ask(0, "redeem", { code, key: "order" });
  await trap.sprung(MOMENT_MS);
  await sleep(150);
  const written = await redemptions.countDocuments({ _id: code });
  await sale.server(0).kill();
  sale.prove("unknown", (await first).kind === "unknown" ? 1 : 0);
  sale.prove(
    at === "request" ? "unwritten_at_kill" : "written_and_untold",
    at === "request" ? 1 - written : written,
  );
  const again = await redeemers.insist("redeem", { code, key: "order" }, 1);
  expectState(sale, again, "CONFIRMED", "R2");
  if (at === "reply" && again.kind === "done" && !again.replayed)
    sale.found("R2", "what was written before the kill was redeemed again");
  const other = await redeemers.insist("redeem", { code, key: "other" }, 1);
  if (!isRefused(other, "REDEEMED")) sale.found("R1", `another key: ${wordsOf(other)}`);
}

/** Two calls for each code at once, at two servers; returns their answers. */
function race(
  { redeemers }: Scene,
  codes: readonly string[],
  [one, other]: readonly [Verb, Verb],
  sameKey: boolean,
): Promise<readonly (readonly [Answer, Answer])[]> {
  return Promise.all(
    codes.map(async (code, i) => {
      const key = (name: string) => (sameKey ? "order" : name);
      // In turns, which one has the head start of its own way.
      const laterMs = (i % 4) * 2;
      const delayed = async (verb: Verb, name: string, ms: number) => {
        await sleep(ms);
        return redeemers.insist(verb, { code, key: key(name) }, i + (name === "a" ? 0 : 1));
      };
      return Promise.all([
        delayed(one, "a", i % 2 === 0 ? laterMs : 0),
        delayed(other, "b", i % 2 === 0 ? 0 : laterMs),
      ]);
    }),
  );
}

/** Servers that start with a false clock: one that jumps by a day would make up for its ticks first. */
async function restartAt(sale: Sale, seconds: number): Promise<void> {
  const { servers, clockFile } = sale.ground;
  await Promise.all(servers.map((server) => server.kill()));
  await writeClock(clockFile, seconds);
  await Promise.all(servers.map((server) => server.start()));
  await setClock(sale, "servers", seconds);
}

const countOf = (answers: readonly Answer[], is: (answer: Answer) => boolean) => answers.filter(is).length;

/** Redemptions of sold coupons under fault: R1 to R4. */
export const redemptionRounds: readonly Round[] = [
  redemptionRound("redeem-kill-between-reserve-and-confirm", async ({ sale, codes, redeemers }) => {
    const kept = await inAll(codes, (code) => redeemers.insist("reserve", { code, key: "order" }));
    await sale.server(0).kill();
    sale.prove(
      "reserved_at_kill",
      countOf(kept, (one) => isState(one, "RESERVED")),
      codes.length,
    );
    const rivals = await inAll(codes, (code) => redeemers.insist("redeem", { code, key: "rival" }, 1));
    sale.prove(
      "rivals_refused",
      countOf(rivals, (one) => isRefused(one, "RESERVED")),
    );
    const done = await inAll(codes, (code) => redeemers.insist("confirm", { code, key: "order" }, 1));
    for (const answer of done) expectState(sale, answer, "CONFIRMED");
  }),
  redemptionRound("redeem-kill-before-write", (scene) => killAtWrite(scene, "request")),
  redemptionRound("redeem-kill-before-reply", (scene) => killAtWrite(scene, "reply")),
  redemptionRound("redeem-mongodb-killed", async ({ sale, codes, redeemers }) => {
    const { mongodb } = sale.ground;
    const traps = sale.ground.servers.map((server) =>
      server.mongodb.trap({ at: "request", kind: FIRST_WRITE, deed: "hold", skip: 5 }),
    );
    const all = codes.flatMap((code, i) =>
      ["a", "b"].map((key, j) => redeemers.insist("redeem", { code, key }, i + j)),
    );
    await Promise.race(traps.map((trap) => trap.sprung(MOMENT_MS)));
    await mongodb.kill();
    sale.prove(
      "held_at_kill",
      traps.reduce((sum, trap) => sum + trap.caught, 0),
    );
    for (const trap of traps) trap.release();
    await sleep(300);
    await mongodb.start();
    const answers = await Promise.all(all);
    sale.prove("unknown", redeemers.unknown());
    const won = countOf(answers, (one) => isState(one, "CONFIRMED"));
    if (won !== codes.length) sale.found("R1", `${won} of ${codes.length} codes were redeemed`);
  }),
  redemptionRound(
    "redeem-mongodb-stopped",
    async ({ sale, codes, redeemers }) => {
      const { mongodb } = sale.ground;
      const kept = await inAll(codes, (code, i) => redeemers.insist("reserve", { code, key: "order" }, i));
      sale.prove(
        "reserved",
        countOf(kept, (one) => isState(one, "RESERVED")),
        codes.length,
      );
      mongodb.pause();
      const all = codes.map((code, i) => redeemers.insist("confirm", { code, key: "order" }, i));
      // Longer than the servers wait: they give the writes up, which MongoDB makes when it goes on.
      await sale.untilTrue("a server gave up", () => redeemers.unknown() > 0);
      mongodb.resume();
      for (const answer of await Promise.all(all)) expectState(sale, answer, "CONFIRMED");
      sale.prove("unknown", redeemers.unknown());
    },
    { ground: { env: { COMMIT_DEADLINE_MS: "1000" } } },
  ),
  redemptionRound("redeem-connections-cut", async ({ sale, codes, redeemers }) => {
    await inAll(codes, (code, i) => redeemers.insist("reserve", { code, key: "order" }, i));
    const traps = sale.ground.servers.flatMap(({ mongodb }) =>
      (["request", "reply"] as const).map((at) =>
        mongodb.trap({ at, kind: LATER_WRITE, deed: "cut", times: 4 }),
      ),
    );
    const done = await inAll(codes, (code, i) => redeemers.insist("confirm", { code, key: "order" }, i));
    for (const answer of done) expectState(sale, answer, "CONFIRMED");
    sale.prove(
      "cut",
      traps.reduce((sum, trap) => sum + trap.caught, 0),
      4,
    );
    sale.prove("repeated", await sale.metric("coupon_redemptions_repeated_total"));
  }),
  redemptionRound("redeem-many-race", async ({ sale, codes, redeemers }) => {
    const few = codes.slice(0, RACES);
    for (const code of few) {
      const keys = Array.from({ length: CALLERS }, (_, i) => `key-${i}`);
      const answers = await inAll(keys, (key, i) => redeemers.insist("redeem", { code, key }, i));
      const won = countOf(answers, (one) => isState(one, "CONFIRMED"));
      if (won !== 1) sale.found("R1", `${won} of ${CALLERS} redeemed one code`);
    }
    sale.prove("repeated", await sale.metric("coupon_redemptions_repeated_total"), RACES);
  }),
  redemptionRound("redeem-time-out-races-confirm", async (scene) => {
    const { sale, codes, redeemers } = scene;
    const timeoutMs = 1_000;
    const answers = await Promise.all(
      codes.map(async (code, i) => {
        const began = performance.now();
        expectState(
          sale,
          await redeemers.insist("reserve", { code, key: "order", timeoutMs }, i),
          "RESERVED",
        );
        // Before, at and after the time-out, by turns.
        await sleep(timeoutMs - (performance.now() - began) + ((i % 13) - 6) * 12);
        return Promise.all([
          redeemers.insist("confirm", { code, key: "order" }, i),
          redeemers.insist("redeem", { code, key: "rival" }, i + 1),
        ]);
      }),
    );
    sale.prove("in_time", answers.filter(([own]) => isState(own, "CONFIRMED")).length);
    sale.prove("too_late", answers.filter(([own]) => isRefused(own, "RESERVATION_OVER")).length);
    sale.prove("rivals", answers.filter(([, rival]) => isState(rival, "CONFIRMED")).length);
  }),
  redemptionRound("redeem-void-races-reserve", async (scene) => {
    const { sale, codes, redeemers } = scene;
    const answers = await race(scene, codes, ["void", "reserve"], false);
    const voided = await inAll(codes, (code) => redeemers.insist("redeem", { code, key: "late" }));
    for (const answer of voided)
      if (!isRefused(answer, "VOIDED")) sale.found("R3", `a void code: ${wordsOf(answer)}`);
    const kept = codes.filter((_, i) => isState(answers[i]?.[1] ?? { kind: "unknown" }, "RESERVED"));
    sale.prove("reserved_before", kept.length);
    sale.prove("voided_before", answers.filter(([, one]) => isRefused(one, "VOIDED")).length);
    const promised = await inAll(kept, (code) => redeemers.insist("confirm", { code, key: "b" }, 1));
    for (const answer of promised) expectState(sale, answer, "CONFIRMED");
    await inAll(codes, (code) => redeemers.insist("unvoid", { code, key: "" }));
    const free = codes.filter((code) => !kept.includes(code));
    for (const answer of await inAll(free, (code) => redeemers.insist("redeem", { code, key: "again" })))
      expectState(sale, answer, "CONFIRMED");
  }),
  redemptionRound("redeem-cancel-races-confirm", async (scene) => {
    const { sale, codes, redeemers } = scene;
    await inAll(codes, (code, i) => redeemers.insist("reserve", { code, key: "order" }, i));
    const answers = await race(scene, codes, ["confirm", "cancel"], true);
    for (const [confirm, cancel] of answers) {
      const both = isState(confirm, "CONFIRMED") && isState(cancel, "CANCELLED");
      const none = isRefused(confirm, "RESERVATION_OVER") && isRefused(cancel, "REDEEMED");
      if (both || none) sale.found("R2", `confirm: ${wordsOf(confirm)}, cancel: ${wordsOf(cancel)}`);
    }
    sale.prove("confirmed", answers.filter(([confirm]) => isState(confirm, "CONFIRMED")).length);
    sale.prove("cancelled", answers.filter(([, cancel]) => isState(cancel, "CANCELLED")).length);
  }),
  redemptionRound(
    "redeem-server-clock-day-ahead",
    async ({ sale, codes, redeemers }) => {
      const kept = await inAll(codes, (code, i) => redeemers.insist("reserve", { code, key: "order" }, i));
      sale.prove(
        "reserved",
        countOf(kept, (one) => isState(one, "RESERVED")),
        codes.length,
      );
      await restartAt(sale, DAY_S);
      const rivals = await inAll(codes, (code, i) => redeemers.insist("reserve", { code, key: "rival" }, i));
      for (const answer of rivals)
        if (!isRefused(answer, "RESERVED"))
          sale.found("R3", `a rival of a live reservation: ${wordsOf(answer)}`);
      const done = await inAll(codes, (code, i) => redeemers.insist("confirm", { code, key: "order" }, i));
      for (const answer of done) expectState(sale, answer, "CONFIRMED");
      await restartAt(sale, 0);
    },
    { ground: { fakeClocks: "servers" } },
  ),
  redemptionRound(
    "redeem-three-times-under-kill",
    async ({ sale, codes, redeemers }) => {
      const few = codes.slice(0, RACES);
      const trap = sale.server(0).mongodb.trap({ at: "reply", kind: LATER_WRITE, deed: "hold" });
      const all = few.flatMap((code) =>
        Array.from({ length: 6 }, (_, i) => redeemers.insist("redeem", { code, key: `key-${i}` }, i)),
      );
      await trap.sprung(MOMENT_MS);
      await sale.server(0).kill();
      const answers = await Promise.all(all);
      sale.prove("held_at_kill", trap.caught);
      sale.prove("unknown", redeemers.unknown());
      const won = countOf(answers, (one) => isState(one, "CONFIRMED"));
      if (won !== 3 * few.length)
        sale.found("R1", `${won} redemptions of ${few.length} codes, three times each`);
    },
    { sale: { ...SMALL, maxRedemptions: 3 } },
  ),
  redemptionRound(
    "redeem-elections",
    async ({ sale, codes, redeemers }) => {
      const set = sale.ground.replicaSet;
      if (set === undefined) throw new Error("this round has no replica set");
      const kept = await inAll(codes, (code, i) => redeemers.insist("reserve", { code, key: "order" }, i));
      sale.prove(
        "reserved",
        countOf(kept, (one) => isState(one, "RESERVED")),
        codes.length,
      );
      const half = codes.length / 2;
      const confirmAgain = set.confirmNothing("WriteConcernTimeout", 100);
      const first = codes
        .slice(0, half)
        .map((code, i) => redeemers.insist("confirm", { code, key: "order" }, i));
      await sale.untilTrue("a write is undone", () => set.count("redemptions-undone") > 2);
      confirmAgain();
      const partition = set.partitionPrimary(HELD_MS / 3);
      const rest = codes.slice(half).map((code, i) => redeemers.insist("confirm", { code, key: "order" }, i));
      await sale.untilTrue("another is elected", () => set.count("elections") > 0);
      await sleep(HELD_MS);
      partition.heal();
      for (const answer of await Promise.all([...first, ...rest])) expectState(sale, answer, "CONFIRMED");
      sale.prove("undone", set.count("redemptions-undone"), 3);
      sale.prove("elections", set.count("elections"));
      sale.prove("unknown", redeemers.unknown());
    },
    { ground: { replicaSet: true } },
  ),
];
