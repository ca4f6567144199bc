import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createCampaign } from "../support/campaign.ts";
import { connectClients } from "../support/clients.ts";
import { JSON_TRANSPORTS } from "../support/json-transports.ts";
import { runCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

/** No operator's credential is in the settings: the service makes a key, and is open to nobody. */
const DEFAULTS = { OPERATOR_TOKEN: "" };

describe("a service with default settings", () => {
  const stores = withStores();
  let dir: ReturnType<typeof temporaryDir>;
  let services: Services;

  before(() => {
    dir = temporaryDir();
    services = createServices({ ...stores.env, ...DEFAULTS, XDG_STATE_HOME: dir.path });
  });
  after(async () => {
    await services.end();
    dir.remove();
  });

  const portsOf = ({ url, grpcUrl }: Service) => ({
    http: Number(new URL(url).port),
    grpc: Number(new URL(grpcUrl).port),
  });
  const fileOf = (service: Service) => join(dir.path, "coupon", `operator-${portsOf(service).http}`);
  const keyOf = (service: Service) => readFileSync(fileOf(service), "utf8").trimEnd();

  async function expectRefusal(service: Service): Promise<void> {
    const before = await stores.db.collection("campaigns").countDocuments();
    for (const transport of JSON_TRANSPORTS) {
      let asked = 0;
      for (const method of CampaignService.methods) {
        const told = await transport.ask(portsOf(service), method, "{}");
        if (told === undefined) continue;
        asked += 1;
        expect(told.code, `${method.name} over ${transport.name}`).to.equal(Code.Unauthenticated);
      }
      expect(asked, `methods asked over ${transport.name}`).to.be.greaterThan(0);
    }
    expect(await stores.db.collection("campaigns").countDocuments(), "campaigns").to.equal(before);
  }

  it("lets nobody operate without a credential, by any method, over any transport", async () => {
    const service = await services.start();
    await expectRefusal(service);
    await expectLocalOperator(service);
    expect(await service.process.interrupt()).to.equal(0);
    expect(existsSync(fileOf(service)), "the key's file after the end").to.equal(false);
  });

  it("with workers: nobody either, and the primary's key is good at each of them", async () => {
    const service = await services.start({ env: { WORKERS: "2" } });
    await expectRefusal(service);
    // Each call may reach the other worker.
    for (let call = 0; call < 4; call++) await expectLocalOperator(service);
    expect(await service.process.interrupt()).to.equal(0);
    expect(existsSync(fileOf(service)), "the key's file after the end").to.equal(false);
  });

  it("its user operates it with coupon, without any setting", async () => {
    const service = await services.start();
    const env = { COUPON_TOKEN: "", XDG_STATE_HOME: dir.path };
    const args = ["create", "--name", "mine", "--total", "1", "--start", "+1h", "--actor", "kim@laptop"];
    const made = await runCli([...args, "--json"], { url: service.url, env });
    expect(made.code, made.stderr).to.equal(0);
    const elsewhere = { ...env, XDG_STATE_HOME: "/nonexistent" };
    const without = await runCli(["list"], { url: service.url, env: elsewhere });
    expect(without.code).not.to.equal(0);
    expect(without.stderr).to.include("an operator's key or token is needed");
  });

  it("the key of one service is worth nothing at another, and that of a configured one nothing here", async () => {
    const [one, two] = await Promise.all([services.start(), services.start()]);
    expect(keyOf(one)).not.to.equal(keyOf(two));
    const configured = await services.start({
      env: { OPERATOR_TOKEN: "a-token-of-the-settings-0123456789" },
    });
    expect(existsSync(fileOf(configured)), "no key is made where there is a credential").to.equal(false);
    for (const [service, token] of [
      [one, keyOf(two)],
      [configured, keyOf(one)],
      [one, "a-token-of-the-settings-0123456789"],
    ] as const) {
      const { campaigns } = connectClients(service.url, { token });
      const refused = await campaigns.listCampaigns({}).then(
        () => "no refusal",
        ({ code }: { code: Code }) => code,
      );
      expect(refused).to.equal(Code.Unauthenticated);
    }
  });

  it("leaves no draft, and no key in a log", () => {
    const files = readdirSync(join(dir.path, "coupon"));
    expect(files.filter((name) => !/^operator-\d+$/.test(name))).to.deep.equal([]);
    expect(files.length, "the services that still run").to.be.greaterThan(0);
    const keys = files.map((name) => readFileSync(join(dir.path, "coupon", name), "utf8").trimEnd());
    expect(services.lines.filter((line) => keys.some((key) => line.includes(key)))).to.deep.equal([]);
    expect(
      services.lines.filter((line) => line.includes("operators need the key in this file")),
    ).to.have.length(5);
  });

  async function expectLocalOperator(service: Service): Promise<void> {
    const clients = connectClients(service.url, { token: keyOf(service) });
    const { id } = await createCampaign(clients, { total: 1, actor: "kim@laptop" });
    const { entries } = await clients.campaigns.listHistory({ campaignId: id });
    expect(entries.at(-1)?.actor).to.equal("local (kim@laptop)");
  }
});
