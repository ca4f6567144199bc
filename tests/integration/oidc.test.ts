import { expect } from "chai";
import { accessTokens } from "../support/access-tokens.ts";
import { keyPair } from "../support/claim-credentials.ts";
import { AUDIENCE, CLIENT_ID, startProvider, type TestProvider } from "../support/oidc-provider.ts";
import { HANG_MS } from "../support/patience.ts";
import { readJsonLines, runCli, startCli } from "../support/run-cli.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { temporaryDir } from "../support/temporary-dir.ts";
import { withStores } from "../support/with-stores.ts";

const CODE = /enter the code ([A-Z0-9-]+)/;
const KEY = "an-operators-token-for-emergencies";

describe("operators with access tokens of a real provider", function () {
  this.timeout(HANG_MS);
  const stores = withStores();
  const roles = { kim: ["coupon-ops"], lee: ["coupon-look", "unrelated"], eve: ["admin"] };
  let services: Services;
  let provider: TestProvider;
  let service: Service;
  const homes: ReturnType<typeof temporaryDir>[] = [];

  before(async () => {
    provider = await startProvider({ roles });
    services = createServices(stores.env);
    service = await services.start({
      env: {
        ...{ OPERATOR_OIDC_ISSUER: provider.issuer, OPERATOR_OIDC_AUDIENCE: AUDIENCE, OPERATOR_TOKEN: KEY },
        OPERATOR_OIDC_ROLES: "coupon-ops:operator,coupon-look:viewer",
        OPERATOR_OIDC_NAME_CLAIM: "preferred_username",
      },
    });
  });
  after(async () => {
    await services.end();
    await provider.close();
    for (const home of homes) home.remove();
  });

  /** A person with a machine of its own, who logs in; returns how that person runs commands. */
  async function loggedIn(person: string) {
    const home = temporaryDir();
    homes.push(home);
    const surroundings = { url: service.url, env: { XDG_CONFIG_HOME: home.path, COUPON_TOKEN: "" } };
    const flags = ["--issuer", provider.issuer, "--client-id", CLIENT_ID, "--audience", AUDIENCE];
    const running = await startCli(["login", ...flags], surroundings);
    let told = "";
    running.child.stderr?.on("data", (text) => {
      told += String(text);
    });
    await running.until(CODE);
    await provider.approve(CODE.exec(told)?.[1] ?? "", person);
    const { code, stderr } = await running.finished;
    expect(code, stderr).to.equal(0);
    return (...args: string[]) => runCli([...args, "--json"], surroundings);
  }

  const create = ["create", "--name", "x", "--total", "10", "--start", "+1h"];

  it("coupon login, create, history: the actor is the proven name, whatever the command says", async () => {
    const kim = await loggedIn("kim");
    const made = await kim(...create, "--actor", "lee");
    expect(made.code, made.stderr).to.equal(0);
    const [shown] = readJsonLines(made.stdout) as { campaign: { id: string } }[];
    const id = shown?.campaign.id ?? "";
    const history = await kim("history", id);
    expect(history.stdout).to.include('"actor":"oidc:the-kim"').and.not.to.include("lee");
    const ended = await kim("cancel", id, "--yes");
    expect(ended.code).to.equal(6);
    expect(ended.stderr).to.match(/CancelCampaign needs the role admin; oidc:the-kim has the role operator/);
  });

  it("a role that is mapped to viewer may look; one that is not mapped may nothing, though it is called admin", async () => {
    const [lee, eve] = [await loggedIn("lee"), await loggedIn("eve")];
    expect((await lee("list")).code).to.equal(0);
    expect((await lee(...create)).code).to.equal(6);
    const refused = await eve("list");
    expect(refused.code).to.equal(6);
    expect(refused.stderr).to.match(/oidc:the-eve has no role of an operator/);
  });

  it("the shared token works beside them, and the log says that the keys were read, and holds no token", async () => {
    const { code } = await runCli(["list"], { url: service.url, env: { COUPON_TOKEN: KEY } });
    expect(code).to.equal(0);
    const read = services.lines.filter((line) =>
      line.includes("the keys of the operators' issuer were read"),
    );
    expect(read).not.to.deep.equal([]);
    expect(services.lines.join("\n")).not.to.match(/eyJ[\w-]{20,}\./);
  });

  it("a service whose provider is away starts, and lets keys in; a token is undecided, not wrong", async () => {
    // Nothing listens there.
    const issuer = "http://127.0.0.1:1";
    const alone = await services.start({
      env: { OPERATOR_OIDC_ISSUER: issuer, OPERATOR_OIDC_AUDIENCE: AUDIENCE, OPERATOR_TOKEN: KEY },
    });
    const listing = (COUPON_TOKEN: string) =>
      runCli(["list", "--retries", "0"], { url: alone.url, env: { COUPON_TOKEN } });
    expect((await listing(KEY)).code).to.equal(0);
    const { code, stderr } = await listing(accessTokens(keyPair("ES256", "any"), issuer)());
    expect(code).to.equal(5);
    expect(stderr).to.match(/keys of the issuer of access tokens cannot be read/);
    expect(services.lines.join("\n")).to.include("(OPERATOR_OIDC_ISSUER) cannot be read");
  });
});
