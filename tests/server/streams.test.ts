import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Auditor, Report } from "../../audit/stores/auditor.ts";
import { until } from "../../local/poll.ts";
import type { Issuances } from "../../record/issuances.ts";
import { systemClock } from "../../runtime/clock.ts";
import { recordsOf } from "../generator/made-campaign.ts";
import { openStores, type TestStores } from "../setup/shared-stores.ts";
import { issuedCampaign } from "./issued-campaign.ts";
import { type OpenApp, openApp } from "./open-app.ts";
import { gate } from "./open-sale.ts";
import { askRaw, type RawCall, readStream } from "./raw-call.ts";

const TOTAL = 40;
const BATCH = 10;
/** The framework keeps deadlines by timers of its own. */
const DEADLINE_MS = 150;
const LONG_MS = 3 * DEADLINE_MS;

describe("what lasts, of a server in this process", () => {
  let stores: TestStores;
  let app: OpenApp;
  let campaignId: string;
  /** How this test's server reads. */
  let reads: Partial<Issuances>;
  let audit: Auditor["audit"];

  before(async () => {
    stores = await openStores();
    campaignId = await issuedCampaign(stores, TOTAL);
    app = await openApp(stores, {
      clock: systemClock,
      issuances: (real) => ({
        ...real,
        inOrder: (...asked) => (reads.inOrder ?? real.inOrder)(...asked),
        codesInOrder: (...asked) => (reads.codesInOrder ?? real.codesInOrder)(...asked),
      }),
      deps: {
        openAuditor: async () => {
          const opened: Pick<Auditor, "audit" | "close"> = {
            audit: (...asked) => audit(...asked),
            close: () => Promise.resolve(),
          };
          return opened as Auditor;
        },
      },
    });
  });

  beforeEach(() => {
    reads = {};
  });

  after(async () => {
    await app.close();
    await stores.close();
  });

  const exporting = (more: Partial<RawCall> = {}): RawCall => ({
    ...{ port: app.port, method: "CampaignService/ExportCoupons" },
    fields: { campaignId, batchSize: BATCH },
    ...more,
  });
  const listing = (more: Partial<RawCall> = {}): RawCall => ({
    ...{ port: app.port, method: "CampaignService/GetCampaign", fields: { campaignId } },
    ...more,
  });
  const soon = { "connect-timeout-ms": String(DEADLINE_MS) };

  describe("a deadline that passes is an error, never the end of the data", () => {
    it("ExportCoupons", async () => {
      const { issuances } = recordsOf(stores.db);
      let count = 0;
      reads.inOrder = async (...asked) => {
        if (++count === 3) await sleep(LONG_MS);
        return issuances.inOrder(...asked);
      };
      const { messages, end } = await readStream(exporting({ headers: soon }));
      expect(messages.length).to.equal(3);
      expect(end?.error?.code).to.equal("deadline_exceeded");
      reads = {};
      const whole = await readStream(exporting());
      expect([whole.messages.length, whole.end]).to.deep.equal([TOTAL / BATCH, {}]);
    });

    it("WatchCampaign", async () => {
      const fields = { campaignId, intervalMs: 100 };
      const { messages, end } = await readStream({
        ...{ port: app.port, method: "CampaignService/WatchCampaign", fields, headers: soon },
      });
      expect(messages.length).to.be.at.least(1);
      expect(end?.error?.code).to.equal("deadline_exceeded");
    });

    it("VerifyCampaign, in the middle of a rest", async () => {
      audit = (_, plan) =>
        sleep(60_000, undefined as unknown as Report, { signal: plan?.signal as AbortSignal });
      const { end } = await readStream({
        ...{ port: app.port, method: "CampaignService/VerifyCampaign", fields: { campaignId } },
        headers: soon,
      });
      expect(end?.error?.code).to.equal("deadline_exceeded");
    });

    it("GetCampaign", async () => {
      const { issuances } = recordsOf(stores.db);
      reads.codesInOrder = async (id, after, limit) => {
        if (after === undefined) await sleep(LONG_MS);
        return issuances.codesInOrder(id, after, limit);
      };
      const fields = { campaignId, pageSize: BATCH };
      const { status, json } = await askRaw(listing({ fields, headers: soon }));
      expect([status, json["code"]]).to.deep.equal([504, "deadline_exceeded"]);
    });
  });

  describe("listings of codes", () => {
    /** So many callers who wait for the first of them, whose reading stands at the gate. */
    async function waiting(count: number) {
      const { issuances } = recordsOf(stores.db);
      const door = gate();
      const seen = { reads: 0 };
      reads.codesInOrder = async (...asked) => {
        seen.reads++;
        await door.passed;
        return issuances.codesInOrder(...asked);
      };
      const leaving = new AbortController();
      setMaxListeners(0, leaving.signal);
      const call = listing({ signal: leaving.signal });
      const left = Array.from({ length: count }, () =>
        askRaw(call).then(
          ({ json }) => `${String(json["code"])}: ${String(json["message"])}`,
          (error: Error) => error.name,
        ),
      );
      expect(await until(() => seen.reads === 1, 5_000)).to.equal(true);
      return { door, seen, leaving, left };
    }

    it("whoever has gone reads no more: an export goes on behind twenty of them", async () => {
      const { door, seen, leaving, left } = await waiting(20);
      leaving.abort();
      expect(new Set(await Promise.all(left))).to.deep.equal(new Set(["AbortError"]));
      const exported = readStream(exporting());
      door.open();
      const { messages, end } = await exported;
      expect([messages.length, end]).to.deep.equal([TOTAL / BATCH, {}]);
      expect(seen.reads).to.equal(1);
    });

    it("64 at once, the others are refused; when they have gone there is room again", async () => {
      const { door, leaving, left } = await waiting(70);
      const refused: unknown[] = [];
      for (const answer of left) void answer.then((told) => void refused.push(told));
      expect(await until(() => refused.length === 6, 10_000), `${refused.length} refused`).to.equal(true);
      const why =
        "64 listings of codes are under way on this server already; ask another one; nothing was tried, ask again with the same key";
      expect(new Set(refused)).to.deep.equal(new Set([`unavailable: ${why}`]));
      leaving.abort();
      await Promise.all(left);
      door.open();
      const again = async () => (await askRaw(listing())).json["issuedCodes"] !== undefined;
      expect(await until(again, 5_000)).to.equal(true);
    });
  });
});
