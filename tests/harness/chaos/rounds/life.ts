import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HazardMissed } from "../hazard.ts";
import type { Round } from "../round.ts";
import { type Sale, USER_PREFIX } from "../sale.ts";
import {
  type Campaigns,
  cutOff,
  isFrozen,
  kill,
  metaOf,
  operate,
  proveHistory,
  sellRest,
  untilFollowed,
} from "./operating.ts";
import { MOMENT_MS, part } from "./proofs.ts";

/** The steps of a change: lease (the first findAndModify), hold, decision (the second), turn, history. */
const LEASE_OR_DECISION = "findAndModify campaigns";

const pause =
  ({ campaignId }: Sale) =>
  (campaigns: Campaigns) =>
    campaigns.pauseCampaign({ campaignId });
const resume =
  ({ campaignId }: Sale) =>
  (campaigns: Campaigns) =>
    campaigns.resumeCampaign({ campaignId });

/**
 * The named crash points in a change of a campaign. After each crash the change is complete or absent, and
 * the campaign continues.
 */
export const lifeRounds: readonly Round[] = [
  {
    // No process is killed: claims from before a change become durable after it, and are settled.
    name: "change-over-claims-under-way",
    // The sweeper does not finish them meanwhile.
    ground: { env: { SWEEP_AFTER_MS: "8000" } },
    sale: { retryMs: 2_500 },
    async act(sale) {
      await part(sale, 0.3);
      const times = Number.POSITIVE_INFINITY;
      const trap = sale
        .server(0)
        .mongodb.trap({ at: "request", kind: "insert issuances", deed: "hold", times });
      await trap.sprung(MOMENT_MS);
      await operate(sale.server(1), pause(sale));
      await untilFollowed(sale, "paused");
      sale.prove("ledger_over_the_change", await sale.ground.raw.xLen(sale.keys.ledger));
      trap.release();
      sale.faultOver();
      await operate(sale.server(1), resume(sale));
      await sellRest(sale);
    },
    after: (sale) => proveHistory(sale, "pause", 1),
  },
  {
    name: "kill-change-with-lease",
    sale: { total: 2_000, users: 500 },
    restStates: ["OPEN"],
    async act(sale) {
      await sale.untilIssued(150);
      const trap = sale.server(0).mongodb.trap({ at: "reply", kind: LEASE_OR_DECISION, deed: "hold" });
      await cutOff(sale, trap, pause(sale));
      const campaigns = sale.ground.db.collection<{ _id: string; lease?: { owner: string } }>("campaigns");
      const leased = await campaigns.findOne({ _id: sale.campaignId });
      sale.prove("leased", leased?.lease === undefined ? 0 : 1);
      await kill(sale);
      // The call of another operator waits until the lease has expired.
      await operate(sale.server(1), pause(sale));
      await untilFollowed(sale, "paused");
      await operate(sale.server(1), resume(sale));
      const before = sale.issued();
      await Promise.all(Array.from({ length: 50 }, (_, i) => sale.ask(`${USER_PREFIX}later-${i}`)));
      sale.prove("issued_after", sale.issued() - before, 50);
    },
    after: (sale) => proveHistory(sale, "pause", 1),
  },
  {
    name: "kill-change-with-hold",
    async act(sale) {
      await part(sale, 0.3);
      // Redis has the script cached from now on: the first reply is that of the script itself.
      await operate(sale.server(1), ({ updateCampaign }) =>
        updateCampaign({ campaignId: sale.campaignId, endsAt: timestampFromMs(Date.now() + 3_600_000) }),
      );
      const trap = sale.server(0).redis.trap({ at: "reply", kind: "freeze", deed: "hold" });
      await cutOff(sale, trap, pause(sale));
      sale.prove("frozen", await isFrozen(sale));
      await kill(sale);
      const before = sale.issued();
      await untilFollowed(sale, "open");
      await sellRest(sale);
      sale.prove("issued_after", sale.issued() - before);
    },
    after: (sale) => proveHistory(sale, "pause", 0),
  },
  {
    name: "kill-change-when-decided",
    quick: true,
    async act(sale) {
      await part(sale, 0.3);
      const trap = sale
        .server(0)
        .mongodb.trap({ at: "reply", kind: LEASE_OR_DECISION, deed: "hold", skip: 1 });
      await cutOff(sale, trap, pause(sale));
      sale.prove("frozen", await isFrozen(sale));
      const { state } = await sale.recorded();
      // Where another process has the lease, the change asks for it several times.
      if (state !== "PAUSED") throw new HazardMissed("the reply that was held was not that of the decision");
      sale.prove("recorded", 1);
      await kill(sale);
      await untilFollowed(sale, "paused");
      const again = await operate(sale.server(1), pause(sale));
      if (!again.already) sale.found("LIFE", "it was paused twice");
      await operate(sale.server(1), resume(sale));
      await sellRest(sale);
    },
    after: (sale) => proveHistory(sale, "pause", 1),
  },
  {
    name: "kill-cancel-before-turn",
    quick: true,
    sale: { total: 3_000 },
    restStates: ["CANCELLED"],
    async act(sale) {
      await sale.untilIssued(100);
      const trap = sale.server(0).redis.trap({ at: "request", kind: "turn", deed: "hold" });
      const { campaignId } = sale;
      await cutOff(sale, trap, (campaigns) => campaigns.cancelCampaign({ campaignId }));
      sale.prove("frozen", await isFrozen(sale));
      const left = await sale.ground.raw.lLen(sale.keys.open);
      await kill(sale);
      // Callers that come now wait until the decision is known.
      await Promise.all(Array.from({ length: 30 }, (_, i) => sale.ask(`${USER_PREFIX}later-${i}`)));
      await untilFollowed(sale, "cancelled");
      const retired = await sale.ground.raw.lLen(sale.keys.away);
      if (retired !== left) sale.found("LIFE", `${left - retired} codes went out of a cancelled campaign`);
      sale.prove("retired", retired);
      await sale.ask(`${USER_PREFIX}too-late`);
      sale.prove("told_so", sale.refused("CANCELLED"));
    },
    after: (sale) => proveHistory(sale, "cancel", 1),
  },
  {
    name: "kill-resume-before-history",
    async act(sale) {
      await part(sale, 0.3);
      await operate(sale.server(1), pause(sale));
      await untilFollowed(sale, "paused");
      const trap = sale.server(0).mongodb.trap({ at: "request", kind: "insert history", deed: "hold" });
      await cutOff(sale, trap, resume(sale));
      const campaigns = sale.ground.db.collection<{ _id: string; outbox?: unknown[] }>("campaigns");
      const waiting = async () => (await campaigns.findOne({ _id: sale.campaignId }))?.outbox?.length ?? 0;
      sale.prove("in_the_outbox", await waiting());
      await kill(sale);
      await untilFollowed(sale, "open");
      await sellRest(sale);
      await sale.untilTrue("the outbox is empty", async () => (await waiting()) === 0);
    },
    after: (sale) => proveHistory(sale, "resume", 1),
  },
  {
    name: "kill-reschedule-before-turn",
    sale: { total: 50, users: 60, leadMs: 1_800, overMs: 600 },
    async act(sale) {
      const { campaignId, startsAtMs } = sale;
      const laterMs = startsAtMs + 2_500;
      await sale.untilTrue("it is scheduled", async () => (await sale.recorded()).state === "SCHEDULED");
      const trap = sale.server(0).redis.trap({ at: "request", kind: "turn", deed: "hold" });
      await cutOff(sale, trap, (campaigns) =>
        campaigns.rescheduleCampaign({ campaignId, startsAt: timestampFromMs(laterMs) }),
      );
      sale.prove("frozen", await isFrozen(sale));
      await sale.untilStart(60);
      const { state } = await metaOf(sale);
      sale.prove("staged_after_first_start", state === "staged" ? 1 : 0);
      await kill(sale);
      await untilFollowed(sale, "open");
      const { armedAt } = await metaOf(sale);
      if (Number(armedAt) < laterMs)
        sale.found("U8", `opened ${laterMs - Number(armedAt)} ms before its new start`);
      await sellRest(sale);
    },
    after: (sale) => proveHistory(sale, "reschedule", 1),
  },
];
