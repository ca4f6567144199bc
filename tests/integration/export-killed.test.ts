import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { newCampaignId } from "../../record/campaign-id.ts";
import type { CampaignDoc, IssuanceDoc } from "../../record/documents.ts";
import { HANG_MS } from "../support/patience.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const ROWS = 120_000;
const PAGE = 20_000;
const KILLS = 3;
const STARTS_AT_MS = 1_800_000_000_000;
/** User ids that a spreadsheet or a parser could misread. */
const TRICKY = ["=1+1", 'a,"b"', "두 줄\nuser", "@x", "-5", "plain"];

describe("an export that is killed, over a real service", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let dir = "";
  const id = newCampaignId(STARTS_AT_MS);

  before(async () => {
    services = createServices(stores.env);
    service = await services.start({ roles: "server" });
    dir = await mkdtemp(join(tmpdir(), "export-killed-"));
    const campaign: CampaignDoc = {
      ...{ _id: id, name: "big", total: ROWS, startsAt: new Date(STARTS_AT_MS), onePerUser: true },
      ...{ codeFormat: "가가가가가가0000", state: "ENDED", generation: 2, generated: ROWS },
      createdAt: new Date(STARTS_AT_MS),
    };
    await stores.db.collection<CampaignDoc>("campaigns").insertOne(campaign);
    for (let first = 0; first < ROWS; first += PAGE) {
      const docs = Array.from({ length: PAGE }, (_, i): IssuanceDoc => {
        const n = first + i;
        return {
          ...{ _id: `가나다라마바${n}`, campaignId: id, claimKey: `${TRICKY[n % TRICKY.length]} ${n}` },
          ...{ generation: n < ROWS / 2 ? 1 : 2, seq: n + 1, issuedAt: new Date(STARTS_AT_MS + n) },
        };
      });
      await stores.db.collection<IssuanceDoc>("issuances").insertMany(docs, { ordered: false });
    }
  });
  after(async () => {
    try {
      await services?.end();
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  /** The size of a file, or 0: a note may be renamed between the listing and this call. */
  const sizeOf = (file: string) =>
    stat(join(dir, file)).then(
      ({ size }) => size,
      () => 0,
    );

  /** The size of the largest file that the command keeps for this export while it is not complete. */
  async function bytesBeside(name: string): Promise<number> {
    const names = (await readdir(dir)).filter((file) => file.startsWith(`.${name}`) || file.startsWith(name));
    const sizes = await Promise.all(names.map(sizeOf));
    return Math.max(0, ...sizes);
  }

  for (const [name, ...flags] of [
    ["all.csv", "--format", "csv", "--bom"],
    ["all.jsonl", "--format", "jsonl"],
  ] as const) {
    it(`${name}: killed ${KILLS} times and gone on with, it is what an uninterrupted one writes`, async () => {
      const whole = join(dir, `whole-${name}`);
      const uninterrupted = await runCli(["export", id, ...flags, "--out", whole], { url: service.url });
      expect(uninterrupted.code, uninterrupted.stderr).to.equal(0);
      const expected = await readFile(whole);
      expect(expected.length).to.be.greaterThan(ROWS * 40);

      const out = join(dir, name);
      const args = ["export", id, ...flags, "--out", out, "--resume"];
      for (let kill = 1; kill <= KILLS; kill++) {
        const running = await startCli(args, { url: service.url });
        const enough = (expected.length * kill) / (KILLS + 1);
        await until(async () => (await bytesBeside(name)) >= enough, HANG_MS, 2);
        running.child.kill("SIGKILL");
        const { code } = await running.finished;
        expect(code, "killed in the middle").to.equal(null);
        expect((await readdir(dir)).includes(name), "a file that is not whole").to.equal(false);
      }
      const last = await runCli(args, { url: service.url });
      expect(last.code, last.stderr).to.equal(0);
      expect(last.stderr).to.match(/going on after [\d,]+ rows/);
      const rowsBefore = Number(/after ([\d,]+) rows/.exec(last.stderr)?.[1]?.replaceAll(",", ""));
      expect(rowsBefore).to.be.within(1_000, ROWS - 1);
      expect((await readFile(out)).equals(expected), "byte for byte").to.equal(true);
      expect((await readdir(dir)).filter((file) => file.includes(name)).sort()).to.deep.equal(
        [name, `whole-${name}`].sort(),
      );
    });
  }
});
