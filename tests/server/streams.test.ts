import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Auditor, Report } from "../../audit/stores/auditor.ts";
import { until } from "../../local/poll.ts";
import type { Issuances } from "../../record/issuances.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { issuedCampaign } from "../support/issued-campaign.ts";
import { recordsOf } from "../support/made-campaign.ts";
import { type OpenApp, openApp } from "../support/open-app.ts";
import { gate } from "../support/open-sale.ts";
import { HANG_MS } from "../support/patience.ts";
import { askRaw, bytesOf, openGrpc, openStream, type RawCall, readStream } from "../support/raw-call.ts";
import { withStores } from "../support/with-stores.ts";

const TOTAL = 40;
const BATCH = 10;
/** The framework's own timers measure deadlines, so this is real time. */
const DEADLINE_MS = 150;
const LONG_MS = 3 * DEADLINE_MS;

/** Real time, except for delays that are too long for a test. */
const longTimers = new Set<() => void>();
const clock: Clock = {
  ...systemClock,
  after(delayMs, callback) {
    if (delayMs < 30_000) return systemClock.after(delayMs, callback);
    longTimers.add(callback);
    return () => void longTimers.delete(callback);
  },
};

describe("what lasts, of a server in this process", () => {
  const stores = withStores();
  let app: OpenApp;
  let campaignId: string;
  /** Reads of this test's server that replace the real ones. */
  let reads: Partial<Issuances>;
  let audit: Auditor["audit"];

  before(async () => {
    campaignId = await issuedCampaign(stores, TOTAL);
    app = await openApp(stores, {
      clock,
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
  const within = (deadlineMs: number) => ({ "connect-timeout-ms": String(deadlineMs) });
  const soon = within(DEADLINE_MS);

  /**
   * Reads a stream whose deadline passes, with a longer one until `least` messages came before it did: how
   * long that takes depends on the machine. Every one of these streams ends with deadline_exceeded.
   */
  async function untilInTime(least: number, read: (deadlineMs: number) => ReturnType<typeof readStream>) {
    for (let deadlineMs = DEADLINE_MS; ; deadlineMs *= 4) {
      const { messages, end } = await read(deadlineMs);
      expect(end?.error?.code).to.equal("deadline_exceeded");
      if (messages.length >= least) return;
      expect(deadlineMs, "a deadline that any machine meets").to.be.below(HANG_MS / 4);
    }
  }

  describe("a deadline that passes is an error, never the end of the data", () => {
    it("ExportCoupons", async () => {
      const { issuances } = recordsOf(stores.db);
      await untilInTime(3, async (deadlineMs) => {
        let count = 0;
        reads.inOrder = async (...asked) => {
          if (++count === 3) await sleep(3 * deadlineMs);
          return issuances.inOrder(...asked);
        };
        return readStream(exporting({ headers: within(deadlineMs) }));
      });
      reads = {};
      const whole = await readStream(exporting());
      expect([whole.messages.length, whole.end]).to.deep.equal([TOTAL / BATCH, {}]);
    });

    it("WatchCampaign", async () => {
      const fields = { campaignId, intervalMs: 100 };
      await untilInTime(1, (deadlineMs) =>
        readStream({
          ...{ port: app.port, method: "CampaignService/WatchCampaign", fields },
          headers: within(deadlineMs),
        }),
      );
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
    /** Starts `count` callers that all wait for the first one, whose read waits at the gate. */
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
      expect(await until(() => seen.reads === 1, HANG_MS)).to.equal(true);
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
      expect(await until(() => refused.length === 6, HANG_MS), `${refused.length} refused`).to.equal(true);
      const why =
        "64 listings of codes are under way on this server already; ask another one; nothing was tried, ask again with the same key";
      expect(new Set(refused)).to.deep.equal(new Set([`unavailable: ${why}`]));
      leaving.abort();
      await Promise.all(left);
      door.open();
      const again = async () => (await askRaw(listing())).json["issuedCodes"] !== undefined;
      expect(await until(again, HANG_MS)).to.equal(true);
    });
  });

  describe("exports", () => {
    const line = "x".repeat(128);
    /** Endless pages; returns the list of the limits that were requested. */
    function endless() {
      const limits: number[] = [];
      reads.inOrder = async (_, after, limit) => {
        limits.push(limit);
        const first = (after?.seq ?? 0) + 1;
        return Array.from({ length: limit }, (_, i) => ({
          ...{ _id: `code ${first + i}`, campaignId, claimKey: `${line}${first + i}` },
          ...{ generation: 1, seq: first + i, issuedAt: new Date(1_000) },
        }));
      };
      return limits;
    }
    /** Expects that the server reads no more once the caller takes no more. */
    async function standsStill(limits: readonly number[]): Promise<void> {
      let before = -1;
      const still = async () => {
        if (limits.length > 0 && limits.length === before) return true;
        before = limits.length;
        return false;
      };
      expect(await until(still, 30_000, 1_000)).to.equal(true);
    }
    /** Starts `count` exports at once and lets all end; returns how many were refused. */
    async function refusedOf(count: number, awaited: number): Promise<number> {
      const { issuances } = recordsOf(stores.db);
      const door = gate();
      reads.inOrder = async (...asked) => {
        await door.passed;
        return issuances.inOrder(...asked);
      };
      let answered = 0;
      const streams = Array.from({ length: count }, async () => {
        const stream = await readStream(exporting());
        answered++;
        return stream;
      });
      // Refused exports answer while the admitted ones wait at the gate.
      await until(() => answered >= awaited, HANG_MS);
      door.open();
      const ends = (await Promise.all(streams)).map(({ end }) => end?.error?.message ?? "");
      return ends.filter((message) => message.startsWith("16 exports are under way on this server")).length;
    }

    it("16 at once, the others are refused; when they have ended there is room again", async () => {
      expect(await refusedOf(20, 4)).to.equal(4);
      expect(await refusedOf(16, 0)).to.equal(0);
    });

    it("a message is bounded, whatever batch is asked for", async () => {
      const limits = endless();
      const leaving = new AbortController();
      const fields = { campaignId, batchSize: 10_000 };
      const response = await openStream(exporting({ fields, signal: leaving.signal }));
      leaving.abort();
      response.destroy();
      expect(limits[0]).to.equal(2_000);
    });

    it("a reader that takes nothing for a minute is cut off, also past its deadline, and makes room", async () => {
      const limits = endless();
      const fields = { campaignId, batchSize: 2_000 };
      const responses = [];
      for (const headers of [{}, { "connect-timeout-ms": "5000" }]) {
        limits.length = 0;
        const response = await openStream(exporting({ fields, headers }));
        response.pause();
        await standsStill(limits);
        responses.push(response);
      }
      expect(longTimers.size).to.equal(2);
      expect(await refusedOf(20, 6), "they have their places still").to.equal(6);
      const cut = responses.map((response) =>
        bytesOf(response).then(String, (error: Error) => error.message),
      );
      for (const fire of longTimers) fire();
      expect(await Promise.all(cut)).to.deep.equal(["aborted", "aborted"]);
      expect(await refusedOf(20, 4)).to.equal(4);
      expect(longTimers.size).to.equal(0);
    });

    it("over HTTP/2 its stream alone is cut off", async () => {
      const limits = endless();
      const fields = { campaignId, batchSize: 2_000 };
      const call = { ...exporting({ fields }), port: app.grpcPort };
      const stalled = openGrpc(call);
      stalled.stream.pause();
      await standsStill(limits);
      const ended = new Promise((resolve) => void stalled.stream.on("error", resolve));
      for (const fire of longTimers) fire();
      expect(String(await ended)).to.include("NGHTTP2_ENHANCE_YOUR_CALM");
      expect(stalled.session.destroyed).to.equal(false);
      stalled.session.destroy();
      expect(await refusedOf(20, 4)).to.equal(4);
    });
  });
});
