import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createOpenCampaign, untilState } from "../../support/campaign.ts";
import { type Clients, connectClients } from "../../support/clients.ts";
import { KEY_PREFIX } from "../../support/quiet-logs.ts";
import { readJsonLines, runCli, startCli } from "../../support/run-cli.ts";
import { createServices, type Service, type Services } from "../../support/service.ts";
import { openWebhookReceiver, verified, type WebhookReceiver } from "../../support/webhook-receiver.ts";
import { withStores } from "../../support/with-stores.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

describe("coupon sinks, dlq and events, at a running service", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let receiver: WebhookReceiver;
  let folder: string;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start();
    clients = connectClients(service.url);
    receiver = await openWebhookReceiver();
    folder = mkdtempSync(join(tmpdir(), "coupon-sinks-"));
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await receiver.close();
      rmSync(folder, { recursive: true });
    }
  });

  async function coupon(...args: string[]) {
    const { code, stdout, stderr } = await runCli([...args, "--json"], { url: service.url });
    return { code, told: readJsonLines(stdout) as Record<string, unknown>[], stderr };
  }

  it("adds, tests, rotates, pauses and removes a sink; its secret is shown once", async () => {
    const added = await coupon("sinks", "add", "crm", "--to", receiver.url, "--types", "campaign.*");
    expect(added.code, added.stderr).to.equal(0);
    expect(added.told[0]).to.deep.include({ name: "crm", kind: "SINK_KIND_WEBHOOK", types: ["campaign.*"] });
    const secret = String(added.told[0]?.["secret"]);
    expect(secret).to.match(/^whsec_/);
    const shown = await runCli(["sinks", "show", "crm"], { url: service.url });
    expect([shown.code, shown.stdout.includes("whsec_"), shown.stdout.includes("s3cret")]).to.deep.equal([
      ...[0, false, false],
    ]);
    expect(shown.stdout)
      .to.match(/^crm\n/)
      .and.match(/state +delivering/);
    const tested = await coupon("sinks", "test", "crm");
    expect([tested.code, tested.told[0]?.["delivered"]]).to.deep.equal([0, true]);
    const [request] = receiver.requests;
    expect(request && verified(request, secret).map(({ type }) => type)).to.deep.equal(["sink.test"]);

    const file = join(folder, "secret");
    writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
    const dry = await coupon("sinks", "rotate", "crm", "--secret-file", file, "--dry-run");
    expect(JSON.stringify(dry.told)).not.to.include(SECRET.slice(6));
    const rotated = await coupon("sinks", "rotate", "crm", "--secret-file", file, "--no-overlap");
    expect([rotated.code, rotated.told[0]?.["secret"]]).to.deep.equal([0, undefined]);
    await coupon("sinks", "test", "crm");
    const last = receiver.requests.at(-1);
    expect(last && verified(last, SECRET)).to.have.length(1);
    expect((await coupon("sinks", "pause", "crm")).told[0]).to.deep.include({ paused: true });
    expect((await coupon("sinks", "edit", "crm", "--all-types")).told[0]).to.deep.include({ types: [] });
    expect((await coupon("sinks", "resume", "crm")).told[0]).to.deep.include({ paused: false });
    expect((await coupon("sinks", "list")).told.map(({ name }) => name)).to.deep.equal(["crm"]);

    receiver.answer = (response) => void response.writeHead(500).end();
    const failed = await coupon("sinks", "test", "crm");
    expect([failed.code, failed.told[0]?.["finding"]]).to.deep.equal([3, "the receiver answered 500"]);
    const bad = await coupon("sinks", "edit", "crm", "--types", "coupon.redeemed");
    expect(bad.code).to.equal(2);
    expect(bad.stderr).to.include("--types: must be some of campaign.created");
    expect((await coupon("sinks", "show", "other")).code, "not found").to.equal(4);
    expect((await coupon("sinks", "remove", "crm")).code, "not confirmed").to.equal(7);
    expect((await coupon("dlq", "list", "crm")).stderr).to.include("there are no dead letters");
    expect((await coupon("dlq", "replay", "crm", "--all")).told).to.deep.equal([{ replaying: 0 }]);
    expect((await coupon("dlq", "drop", "crm", "--all", "--yes")).told).to.deep.equal([{ dropped: 0 }]);
    expect((await coupon("sinks", "remove", "crm", "--yes")).told).to.deep.equal([
      { removed: "crm", deadLetters: 0 },
    ]);
  });

  it("writes the events of a campaign as JSON lines, and follows them", async () => {
    const campaignId = await createOpenCampaign(clients, { total: 3 });
    const running = await startCli(["events", "--campaign", campaignId, "--follow"], { url: service.url });
    await running.until(/campaign\.opened/);
    for (let i = 0; i < 3; i++)
      await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}${i}` });
    await untilState(clients, campaignId, "SOLD_OUT");
    await running.until(/campaign\.sold_out/);
    running.child.kill("SIGINT");
    const followed = await running.finished;
    const typesOf = (text: string) => (readJsonLines(text) as { type: string }[]).map(({ type }) => type);
    const wanted = [
      ...["campaign.created", "campaign.scheduled", "campaign.opened"],
      ...["coupon.issued", "coupon.issued", "coupon.issued", "campaign.sold_out"],
    ];
    expect(typesOf(followed.stdout)).to.deep.equal(wanted);
    const listed = await runCli(["events", "--campaign", campaignId], { url: service.url });
    expect([listed.code, listed.stdout]).to.deep.equal([0, followed.stdout]);
    const [, token = ""] = /--page-token (\S+)/.exec(listed.stderr) ?? [];
    const rest = await runCli(["events", "--campaign", campaignId, "--page-token", token], {
      url: service.url,
    });
    expect([rest.code, rest.stdout]).to.deep.equal([0, ""]);
  });
});
