import type { IssuanceDoc } from "../../../../record/documents.ts";
import type { Round } from "../round.ts";
import type { Sale } from "../sale.ts";
import { whileDown } from "./down.ts";
import { operate } from "./operating.ts";
import { MOMENT_MS, part, proveRebuilt } from "./proofs.ts";
import { copyFiles } from "./rollback.ts";

const ERASURE_KEY = "the erasure key of the fault harness, long enough";
const ERASED = 60;
const ERASED_WITHIN_MS = 60_000;

const holdersOf = ({ history }: Sale) => [
  ...new Set(history.flatMap(({ claimKey, outcome }) => (outcome.kind === "issued" ? [claimKey] : []))),
];

/** How many of these users have an issuance under their id. */
const leftOf = ({ ground, campaignId }: Sale, users: readonly string[]) =>
  ground.db
    .collection<IssuanceDoc>("issuances")
    .countDocuments({ campaignId, claimKey: { $in: [...users] } });

/** Erasures of users while a sale goes on. */
export const erasureRounds: readonly Round[] = [
  {
    // The server that erases is killed when it replaces the first ids; then Redis comes back with data from
    // before the erasure. Another process goes on with it, and each of the users keeps the one coupon.
    name: "erased-in-the-sale",
    forms: ["single"],
    ground: { env: { ERASURE_KEY, COMMIT_DEADLINE_MS: "600" } },
    sale: { total: 700, overMs: 14_000 },
    restStates: ["OPEN"],
    async act(sale) {
      await part(sale, 0.2);
      const putBack = await copyFiles(sale);
      const users = holdersOf(sale).slice(0, ERASED);
      const trap = sale.server(0).mongodb.trap({
        ...{ at: "request", kind: "update issuances", deed: "hold", times: 1 },
      });
      void operate(sale.server(0), async (campaigns) => {
        const request = { userIds: users, campaignId: sale.campaignId };
        for await (const _ of campaigns.eraseUsers(request)) if (trap.caught > 0) return;
      }).catch(() => undefined);
      await trap.sprung(MOMENT_MS);
      await sale.server(0).kill();
      await sale.server(0).start();
      await whileDown(sale, "redis", putBack);
      sale.faultOver();
      sale.prove("ids_left_at_the_kill", await leftOf(sale, users), ERASED);
      await sale.untilTrue("erased", async () => (await leftOf(sale, users)) === 0, ERASED_WITHIN_MS);
      await Promise.all(users.map((user) => sale.ask(user)));
      sale.prove("users_erased", users.length, ERASED);
    },
    after: proveRebuilt,
  },
];
