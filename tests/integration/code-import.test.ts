import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import type { CodeImportDoc } from "../../record/code-import-documents.ts";
import type { CampaignDoc, CouponDoc } from "../../record/documents.ts";
import { held, refusal } from "../support/answers.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { codeOf, writePlanted } from "../support/planted-codes.ts";
import { readJsonLines, runCli, startCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const COUNT = 20_000;

describe("coupon create --codes", function () {
  this.timeout(240_000);
  const stores = withStores();
  const folder = mkdtempSync(join(tmpdir(), "codes-"));
  let services: Services;
  let service: Service;
  let clients: Clients;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
  });
  after(async () => {
    await services.end();
    await rm(folder, { recursive: true });
  });

  const coupons = () => stores.db.collection<CouponDoc>("coupons");
  const create = (path: string, ...more: string[]) => [
    ...["create", "--name", "brought", "--codes", path, "--start", "now", "--yes", "--json"],
    ...more,
  ];
  const createdBy = (stdout: string) =>
    (readJsonLines(stdout)[0]?.["campaign"] ?? {}) as { id: string; total: number; codesImported?: boolean };

  it("takes a file with BOM, CR LF, NFD, small letters and hyphens, tells them, and the campaign gives its codes", async () => {
    const path = join(folder, "clean.csv");
    const rows = Array.from({ length: COUNT }, (_, i) => {
      const code =
        i % 1_000 === 7 ? `가나-${String(i).padStart(6, "0")}`.normalize("NFD") : codeOf(i, "CLEAN");
      return i % 1_000 === 9 ? `clean-${codeOf(i, "").toLowerCase()}` : code;
    });
    writeFileSync(path, `\ufeffCode;note\r\n${rows.map((code, i) => `"${code}";${i}`).join("\r\n")}\r\n`);
    const made = await runCli(create(path, "--wait", "--one-per-user"), { url: service.url });
    expect([made.code, made.stderr.includes("cannot")]).to.deep.equal([0, false]);
    expect(made.stderr).to.include("line 1 begins with a byte order mark");
    expect(made.stderr).to.include("20,001 lines from line 1 on end with CR LF");
    expect(made.stderr).to.include("20 codes from line 9 on are in NFD");
    expect(made.stderr).to.include("40 codes from line 9 on have small letters, spaces or hyphens");
    const { id: campaignId, total, codesImported } = createdBy(made.stdout);
    expect([total, codesImported]).to.deep.equal([COUNT, true]);
    await untilState(clients, campaignId, "OPEN");
    const normal = new Set(rows.map((code) => code.normalize("NFC").replace("-", "").toUpperCase()));
    for (let i = 0; i < 20; i += 1) {
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: `claimant~${i}` });
      expect(normal.delete(held(coupon).code)).to.equal(true);
    }
    const doc = await stores.db.collection<CampaignDoc>("campaigns").findOne({ _id: campaignId });
    expect([doc?.shape, doc?.codeFormat, doc?.generated]).to.deep.equal([2, "", COUNT]);
    const verified = await runCli(["verify", campaignId], { url: service.url });
    expect([verified.code, verified.stdout.includes("violated")]).to.deep.equal([0, false]);
    const { lines } = await clients.campaigns.preflightCampaign({ campaignId });
    expect(lines.find(({ finding }) => finding.includes("were imported"))?.finding).to.include(
      "not judged by odds",
    );
    const added = await refusal(clients.campaigns.addCoupons({ campaignId, count: 1 }));
    expect(added.message).to.include("were imported");
    // The same file again: its codes have a campaign.
    const again = await runCli(create(path), { url: service.url });
    expect(again.code).not.to.equal(0);
    expect(again.stderr).to.include(`are those of campaign ${campaignId} already, with another --start"`);
  });

  it("finds every planted fault with its line, killed three times or not, and leaves nothing", async () => {
    const brought = async () =>
      (await clients.campaigns.listCampaigns({})).campaigns.filter(({ name }) => name === "brought").length;
    const campaignsBefore = await brought();
    const standing = await createOpenCampaign(clients, { total: 100, codeFormat: "STANDING-AAAAAAAA" });
    const clashing = (await coupons().find({ campaignId: standing }).toArray()).map(({ _id }) => _id);
    const path = join(folder, "faulty.csv");
    const expected = await writePlanted(path, { count: COUNT, every: 97, clashing, campaignId: standing });
    expect(expected.length).to.equal(206);
    const told = async (name: string, run: (args: readonly string[]) => Promise<string>) => {
      const faults = join(folder, name);
      const stderr = await run(create(path, "--faults", faults));
      expect(stderr).to.include("206 of 20,000 rows cannot be codes: nothing was created");
      return readJsonLines(readFileSync(faults, "utf8"));
    };
    const whole = await told("whole.jsonl", async (args) => {
      const { code, stderr } = await runCli(args, { url: service.url });
      expect(code).not.to.equal(0);
      return stderr;
    });
    expect(whole).to.deep.equal(expected);
    const before = await coupons().countDocuments();
    const killed = await told("killed.jsonl", async (args) => {
      for (const part of [0.2, 0.5, 0.8]) {
        const running = await startCli(args, { url: service.url });
        const open = () => stores.db.collection<CodeImportDoc>("code_imports").findOne({ state: "open" });
        expect(await until(async () => ((await open())?.rows ?? 0) >= COUNT * part, 60_000, 2)).to.equal(
          true,
        );
        running.child.kill("SIGKILL");
        await running.finished;
        expect((await open())?.rows, "it was killed before the end").to.be.lessThan(COUNT);
      }
      const last = await runCli(args, { url: service.url });
      expect(last.stderr).to.match(/going on after 1\d,\d{3} rows/);
      return last.stderr;
    });
    expect(killed).to.deep.equal(expected);
    expect(await coupons().countDocuments(), "nothing is left of the imports").to.equal(before);
    const open = { state: "open" } as const;
    expect(await stores.db.collection<CodeImportDoc>("code_imports").findOne(open)).to.equal(null);
    expect(await brought()).to.equal(campaignsBefore);
  });

  it("of a file that cannot be read to its end, or that has no codes, leaves nothing, and merges no lines", async () => {
    const path = join(folder, "broken.csv");
    const before = await coupons().countDocuments();
    const good = Array.from({ length: 5_000 }, (_, i) => codeOf(i, "BROKEN"));
    const run = async (content: string) => {
      writeFileSync(path, content);
      return runCli(create(path), { url: service.url });
    };
    const broken = await run(`code\n${good.join("\n")}\n"OPEN\nBCDFG1\n`);
    expect([broken.code, broken.stderr.includes("Quote Not Closed")]).to.deep.equal([2, true]);
    expect(await coupons().countDocuments(), "some were sent already").to.equal(before);
    const merged = await run(`code\n${good.join("\n")}\n"BCDFG1\nBCDFG2"\n`);
    expect(merged.stderr).to.include("line 5003 has a line break in it");
    const none = await run(`code\n${good.join("\n")}\n${"_\n".repeat(100_001)}`);
    expect(none.stderr).to.include("more than 100,000 faults");
    expect(await coupons().countDocuments(), "nothing is in the way of the next file").to.equal(before);
    const whole = await run(`code\n${good.join("\n")}\n`);
    expect([whole.code, createdBy(whole.stdout).total]).to.deep.equal([0, good.length]);
  });

  it("the same command again, after an answer that was lost, shows the campaign", async () => {
    const path = join(folder, "again.csv");
    writeFileSync(path, "code\nAGAINBCDFG\nAGAINBCDFH\n");
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const args = ["create", "--name", "again", "--codes", path, "--start", at, "--json"];
    const first = await runCli(args, { url: service.url });
    const second = await runCli(args, { url: service.url });
    expect([first.code, second.code], second.stderr).to.deep.equal([0, 0]);
    expect(createdBy(second.stdout).id).to.equal(createdBy(first.stdout).id);
    const named = args.map((arg) => (arg === "again" ? "other" : arg));
    const other = await runCli(named, { url: service.url });
    expect(other.code).to.equal(3);
    expect(other.stderr).to.include(
      `are those of campaign ${createdBy(first.stdout).id} already, with another --name"`,
    );
  });

  it("takes JSON lines, and refuses what an import does not allow, naming the field", async () => {
    const path = join(folder, "codes.jsonl");
    writeFileSync(path, '{"code":"JSONBCDFGH"}\n"JSONBCDFGJ"\n\n{"code":7}\nno json\n');
    const faults = join(folder, "json-faults.jsonl");
    const refused = await runCli(create(path, "--faults", faults), { url: service.url });
    expect(refused.code).not.to.equal(0);
    expect(readJsonLines(readFileSync(faults, "utf8"))).to.deep.equal(
      [4, 5].map((line) => ({ line, fault: "empty", words: "has no code" })),
    );
    const { codeImport } = await clients.campaigns.beginCodeImport({ requestId: "by hand" });
    const importId = codeImport?.id ?? "";
    const upload = (firstRow: number, ...codes: string[]) =>
      clients.campaigns.uploadCodes({ importId, firstRow, codes });
    expect(await upload(0, "HANDBCDFGH", "HANDBCDFGJ")).to.include({ rows: 2, faults: 0 });
    expect(await upload(0, "hand-bcdfgh", "HANDBCDFGJ"), "the same again").to.include({ rows: 2, faults: 0 });
    const startsAt = { seconds: BigInt(Math.ceil(Date.now() / 1_000) + 3_600), nanos: 0 };
    const campaign = { name: "by hand", startsAt, importId };
    for (const [call, words] of [
      [() => upload(5, "HANDBCDFGK"), "first_row: is 5: at most 2"],
      [() => upload(0, "HANDBCDFGX"), "codes: has another code in row 0 than before"],
      [() => upload(2), "codes: has 0 codes"],
      [
        () => clients.campaigns.createCampaign({ ...campaign, total: 3 }),
        "total: is 3: the import has 2 codes",
      ],
      [
        () => clients.campaigns.createCampaign({ ...campaign, total: 2, codeFormat: "########" }),
        "code_format: must be empty",
      ],
      [
        () => clients.campaigns.createCampaign({ ...campaign, total: 2, importId: "none" }),
        "import_id: is that of no import",
      ],
      [() => clients.campaigns.getCodeImport({ importId: "none" }), "import_id: is that of no import"],
    ] as const) {
      const { message } = await refusal(call());
      expect(message.includes(words) ? words : message).to.equal(words);
    }
    const faulty = (await clients.campaigns.beginCodeImport({ requestId: "with a fault" })).codeImport;
    await clients.campaigns.uploadCodes({
      ...{ importId: faulty?.id ?? "", firstRow: 0, codes: ["FAULTBCDFG", "FAULTBCDF_"] },
    });
    const ofFaulty = clients.campaigns.createCampaign({ ...campaign, importId: faulty?.id ?? "", total: 2 });
    expect((await refusal(ofFaulty)).message).to.include("import_id: has 1 fault");
    expect(await clients.campaigns.discardCodeImport({ importId: faulty?.id ?? "" })).to.include({
      done: true,
    });
    const requestId = "made by hand";
    const made = await clients.campaigns.createCampaign({ ...campaign, total: 2, requestId });
    const repeated = await clients.campaigns.createCampaign({ ...campaign, total: 2, requestId });
    expect([made.campaign?.id, repeated.campaign?.id]).to.deep.equal([importId, importId]);
    for (const [call, words] of [
      [() => upload(2, "HANDBCDFGK"), "import_id: takes no codes"],
      [() => upload(0, "HANDBCDFGH", "HANDBCDFGJ"), "import_id: takes no codes"],
      [() => clients.campaigns.discardCodeImport({ importId }), "import_id: is used"],
      [() => clients.campaigns.createCampaign({ ...campaign, total: 2 }), "a campaign of this import"],
    ] as const) {
      const { message } = await refusal(call());
      expect(message.includes(words) ? words : message).to.equal(words);
    }
    expect(
      await coupons().countDocuments({ campaignId: importId }),
      "what came late is taken back, and nothing else",
    ).to.equal(2);
  });
});
