import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import type { CodeImportDoc } from "../../record/code-import-documents.ts";
import type { CouponDoc } from "../../record/documents.ts";
import { createOpenCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { writePlanted } from "../support/planted-codes.ts";
import { readJsonLines, startCli } from "../support/run-cli.ts";
import { createServices } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

/** With COUNT codes of COUPON_IMPORT_CODES, else of a million. */
const COUNT = Number(process.env["COUPON_IMPORT_CODES"] ?? 1_000_000);
const RSS_MAX_MB = 300;

const peakMb = (pid: number | undefined): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

describe("an import of a million codes", function () {
  this.timeout(900_000);
  const stores = withStores();

  it("finds 1,000 planted faults in flat memory; killed three times it finds the same", async () => {
    const folder = mkdtempSync(join(tmpdir(), "codes-"));
    const services = createServices(stores.env);
    try {
      const service = await services.start();
      const clients = connectClients(service.url);
      const campaignId = await createOpenCampaign(clients, { total: 100, codeFormat: "STANDING-AAAAAAAA" });
      const coupons = stores.db.collection<CouponDoc>("coupons");
      const clashing = (await coupons.find({ campaignId }).toArray()).map(({ _id }) => _id);
      const path = join(folder, "codes.csv");
      const every = Math.floor(COUNT / 1_001);
      const expected = await writePlanted(path, { count: COUNT, every, clashing, campaignId });
      expect(expected.length).to.be.at.least(1_000);

      async function run(name: string, killedAt: readonly number[]): Promise<Record<string, unknown>[]> {
        const faults = join(folder, name);
        const args = [
          "create",
          "--name",
          "a",
          "--codes",
          path,
          "--start",
          "+1d",
          "--yes",
          "--faults",
          faults,
        ];
        const rows = async () =>
          (await stores.db.collection<CodeImportDoc>("code_imports").findOne({ state: "open" }))?.rows ?? 0;
        for (const part of killedAt) {
          const running = await startCli(args, { url: service.url });
          expect(await until(async () => (await rows()) >= COUNT * part, 300_000, 20)).to.equal(true);
          running.child.kill("SIGKILL");
          await running.finished;
          expect(await rows()).to.be.lessThan(COUNT);
        }
        const began = performance.now();
        let judgedMs = 0;
        let peak = 0;
        const running = await startCli(args, { url: service.url });
        const look = setInterval(() => {
          try {
            peak = Math.max(peak, peakMb(running.child.pid));
          } catch {
            // It has ended.
          }
        }, 200);
        void running.until(/duplicate: /).then(() => (judgedMs = performance.now() - began));
        const { stderr } = await running.finished;
        clearInterval(look);
        expect(stderr).to.include("nothing was created");
        expect(peak, "MB of the command").to.be.within(1, RSS_MAX_MB);
        const took = `${(judgedMs / 1_000).toFixed(1)} s judged, ${((performance.now() - began) / 1_000).toFixed(1)} s with the removal`;
        const server = peakMb(service.process.pid);
        expect(server, "MB of the server").to.be.below(RSS_MAX_MB);
        process.stdout.write(
          `      ${name}: ${took}; command ${peak.toFixed(0)} MB, server ${server.toFixed(0)} MB\n`,
        );
        return readJsonLines(readFileSync(faults, "utf8"));
      }
      expect(await run("whole", [])).to.deep.equal(expected);
      expect(await run("killed", [0.25, 0.5, 0.75])).to.deep.equal(expected);
      expect(await coupons.countDocuments()).to.equal(100);
    } finally {
      await services.end();
      await rm(folder, { recursive: true });
    }
  });
});
