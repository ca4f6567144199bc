import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { loginPath } from "../../cli/login/login-file.ts";
import {
  AUDIENCE,
  CLIENT_ID,
  startProvider,
  type TestProvider,
  type TestProviderOptions,
} from "../support/oidc-provider.ts";
import { HANG_MS } from "../support/patience.ts";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import type { Finished } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaignId } from "../support/stand-in.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const CODE = /enter the code ([A-Z0-9-]+)/;

describe("cli: login", function () {
  this.timeout(HANG_MS);
  const calls = withRecordedCalls();
  let provider: TestProvider;
  let home: ReturnType<typeof temporaryDir>;

  beforeEach(() => {
    home = temporaryDir();
  });
  afterEach(async () => {
    home.remove();
    await provider.close();
  });

  const begin = async (options: TestProviderOptions = {}) => {
    provider = await startProvider(options);
  };
  const env = (more: Record<string, string> = {}) => ({
    ...{ XDG_CONFIG_HOME: home.path, COUPON_TOKEN: "" },
    ...more,
  });
  const run = (args: readonly string[], more: Record<string, string> = {}) =>
    runHere(args, { url: calls.url, env: env(more) });
  const file = () => loginPath(env(), calls.url);
  const kept = () => JSON.parse(readFileSync(file(), "utf8"));
  /** Writes the file again as the command keeps it, with other tokens. */
  const keep = (tokens: object) =>
    writeFileSync(file(), JSON.stringify({ ...kept(), tokens: { ...kept().tokens, ...tokens } }));

  /** Logs in, with a person at a browser who does `act` with the code. */
  async function login(
    act: (code: string) => Promise<void> = (code) => provider.approve(code, "kim"),
    flags: readonly string[] = ["--audience", AUDIENCE],
  ): Promise<Finished> {
    let acted: Promise<void> | undefined;
    const finished = await runHere(
      ["login", "--issuer", provider.issuer, "--client-id", CLIENT_ID, ...flags],
      {
        ...{ url: calls.url, env: env() },
        onMessage(stderr) {
          const code = CODE.exec(stderr)?.[1];
          if (code !== undefined) acted ??= act(code);
        },
      },
    );
    await acted;
    return finished;
  }

  /** What the service was sent by one command. */
  async function sent(args: readonly string[] = ["get", campaignId], more: Record<string, string> = {}) {
    const before = calls.requests.length;
    const { code, stderr } = await run(args, more);
    return { code, stderr, sent: calls.requests.slice(before).map(({ headers }) => headers.authorization) };
  }

  const newest = () => `Bearer ${kept().tokens.accessToken}`;
  const refreshes = () => provider.requests.filter((request) => request === "POST /token").length;

  it("gets a token by a code in a browser, keeps it for its user alone, and sends it to the service", async () => {
    await begin();
    const { code, stdout, stderr } = await login();
    expect(code, stderr).to.equal(0);
    expect(stderr).to.match(new RegExp(`open ${provider.issuer}/device in a browser and enter the code`));
    expect(stdout)
      .to.match(new RegExp(`as +kim of ${provider.issuer}`))
      .and.match(/renewed by itself/);
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    expect(statSync(join(file(), "..")).mode & 0o777).to.equal(0o700);
    expect(readdirSync(join(file(), ".."))).to.have.length(1);
    const { accessToken, refreshToken } = kept().tokens;
    expect(stdout + stderr)
      .not.to.include(accessToken)
      .and.not.to.include(refreshToken);
    expect((await sent()).sent).to.deep.equal([`Bearer ${accessToken}`]);
    expect((await sent(["status", campaignId])).sent, "the callers' service").to.deep.equal([undefined]);
  });

  it("is what coupon config shows where no other token is given, and no other service is sent it", async () => {
    await begin();
    await login();
    const { stdout } = await run(["config"]);
    expect(stdout).to.match(/token +\(the access token of a login\) {2}from coupon login/);
    const key = { COUPON_TOKEN: "a-key" };
    expect((await sent(["get", campaignId], key)).sent).to.deep.equal(["Bearer a-key"]);
    expect((await run(["config"], key)).stdout).to.match(/token +\(set, 5 characters\) {2}from COUPON_TOKEN/);
    const elsewhere = await sent(["get", campaignId, "--url", calls.url.replace("127.0.0.1", "localhost")]);
    expect(elsewhere.sent).to.deep.equal([undefined]);
  });

  it("needs no flags the second time, and in JSON tells when the token expires", async () => {
    await begin();
    await login();
    let acted: Promise<void> | undefined;
    const { code, stdout } = await runHere(["login", "--json"], {
      ...{ url: calls.url, env: env() },
      onMessage(stderr) {
        const user = CODE.exec(stderr)?.[1];
        if (user !== undefined) acted ??= provider.approve(user, "lee");
      },
    });
    await acted;
    expect(code).to.equal(0);
    const told = JSON.parse(stdout);
    expect(told).to.include({ subject: "lee", issuer: provider.issuer, renewed: true, file: file() });
    expect(Date.parse(told.expiresAt)).to.be.greaterThan(Date.now());
    expect(kept().provider).to.include({ clientId: CLIENT_ID, audience: AUDIENCE });
  });

  it("an expired token is replaced once for all commands that run at once, and the refresh token with it", async () => {
    await begin();
    await login();
    const old = kept().tokens;
    keep({ expiresAtMs: Date.now() - 1 });
    const before = refreshes();
    const all = await Promise.all([sent(), sent(), sent(), sent()]);
    expect(all.map(({ code }) => code)).to.deep.equal([0, 0, 0, 0]);
    expect(refreshes() - before).to.equal(1);
    expect(kept().tokens.refreshToken).not.to.equal(old.refreshToken);
    expect(kept().tokens.accessToken).not.to.equal(old.accessToken);
    expect((await sent()).sent).to.deep.equal([newest()]);
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    expect(readdirSync(join(file(), ".."))).to.have.length(1);
  });

  it("a login that has ended says so, and what to do", async () => {
    await begin();
    await login();
    keep({ expiresAtMs: Date.now() - 1, refreshToken: "used-up" });
    const ended = await sent();
    expect([ended.code, ended.sent]).to.deep.equal([6, []]);
    expect(ended.stderr).to.match(/the login has expired or was withdrawn.*; coupon login makes a new one/);
    expect(ended.stderr).not.to.include("used-up");
    // A change was not sent, so nothing is uncertain; a stream is not tried again.
    for (const args of [
      ["pause", campaignId],
      ["watch", campaignId],
    ]) {
      const { code, stderr, sent: requests } = await sent(args);
      expect([code, requests], stderr).to.deep.equal([6, []]);
      expect(stderr.trim().split("\n"), args[0]).to.have.length(1);
    }
    keep({ refreshToken: undefined });
    const without = await sent();
    expect([without.code, without.sent]).to.deep.equal([6, []]);
    expect(without.stderr).to.match(/the login to http.* has expired; .*offline_access/);
  });

  it("while the provider is away, a token that is still good is used, and an expired one is no bug", async () => {
    await begin();
    await login();
    await provider.close();
    keep({ expiresAtMs: Date.now() + 29_000 });
    expect((await sent()).sent).to.deep.equal([newest()]);
    keep({ expiresAtMs: Date.now() - 1 });
    const away = await sent();
    expect([away.code, away.sent]).to.deep.equal([5, []]);
    expect(away.stderr).to.match(/the identity provider http.* cannot be reached \(ECONNREFUSED\)/);
    // Nothing was sent, so nothing is uncertain.
    const change = await sent(["pause", campaignId]);
    expect([change.code, change.sent]).to.deep.equal([5, []]);
    expect(change.stderr).to.match(
      /^coupon: .*cannot be reached .*; try again, or use an operator's key.*\n$/,
    );
  });

  it("logout revokes the tokens at the provider and removes them here", async () => {
    await begin();
    await login();
    const { refreshToken } = kept().tokens;
    const { code, stdout } = await run(["logout"]);
    expect([code, stdout]).to.deep.equal([0, `logged out of ${calls.url}\n`]);
    expect(provider.requests).to.include("POST /token/revocation");
    expect(readdirSync(join(file(), ".."))).to.deep.equal([]);
    const again = await fetch(`${provider.issuer}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "refresh_token",
        client_id: CLIENT_ID,
        refresh_token: refreshToken,
      }),
    });
    expect(await again.json()).to.include({ error: "invalid_grant" });
    expect((await sent()).sent).to.deep.equal([undefined]);
    expect((await run(["logout"])).stdout).to.equal(`there was no login to ${calls.url}\n`);
  });

  it("logout without a provider removes the tokens all the same", async () => {
    await begin();
    await login();
    await provider.close();
    const { code, stderr } = await run(["logout"]);
    expect(code).to.equal(0);
    expect(stderr).to.match(/removed here, and may still be good at the provider: .*cannot be reached/);
    expect(readdirSync(join(file(), ".."))).to.deep.equal([]);
  });

  it("a person who denies, or does not come in time, leaves no login", async () => {
    await begin();
    const denied = await login((code) => provider.deny(code));
    expect(denied.code).to.equal(6);
    expect(denied.stderr).to.match(/the login was denied at the provider/);
    await provider.close();
    await begin({ codeSeconds: 2 });
    const late = await login(async () => undefined);
    expect(late.code).to.equal(6);
    expect(late.stderr).to.match(/nobody entered the code in time/);
    expect((await sent()).sent).to.deep.equal([undefined]);
  });

  it("Ctrl-C ends the wait", async () => {
    await begin();
    const interruption = new AbortController();
    const { code } = await runHere(
      ["login", "--issuer", provider.issuer, "--client-id", CLIENT_ID, "--audience", AUDIENCE],
      {
        ...{ url: calls.url, env: env(), signal: interruption.signal },
        onMessage: (stderr) => CODE.test(stderr) && interruption.abort(),
      },
    );
    expect(code).to.equal(130);
  });

  it("an access token that the service would not accept is refused at once", async () => {
    await begin({ asJwt: false });
    const { code, stderr } = await login(undefined, []);
    expect(code).to.equal(2);
    expect(stderr).to.match(/access token that is no JWT.*; .*--audience/);
  });

  const wrong: [name: string, args: readonly string[], says: RegExp][] = [
    ["no issuer", ["--client-id", "x"], /the issuer .*is missing; .*--issuer, COUPON_OIDC_ISSUER/],
    ["no client", ["--issuer", "https://id.test"], /the client id .*is missing; .*--client-id/],
    [
      "an issuer without TLS",
      ["--issuer", "http://id.test", "--client-id", "x"],
      /must be an https:\/\/ URL/,
    ],
    [
      "an unencrypted service",
      ["--url", "http://coupons.test"],
      /would go to http:\/\/coupons.test unencrypted/,
    ],
  ];
  for (const [name, args, says] of wrong) {
    it(`is not begun with ${name}`, async () => {
      await begin();
      const { code, stderr } = await runHere(["login", ...args], { env: env() });
      expect([code, stderr]).to.satisfy(([exit, text]: [number, string]) => exit === 2 && says.test(text));
      expect(provider.requests).to.deep.equal([]);
    });
  }

  it("a client that the provider does not know, and a server that is none, are named", async () => {
    await begin();
    const unknown = await run(["login", "--issuer", provider.issuer, "--client-id", "nobody"]);
    expect(unknown.code).to.equal(6);
    expect(unknown.stderr).to.match(/the provider does not know this client.*; give the right --client-id/);
    const none = await run(["login", "--issuer", calls.url, "--client-id", "x"]);
    expect(none.code).to.equal(2);
    expect(none.stderr).to.match(/does not answer as an OpenID Connect provider/);
  });

  it("a file that another user may have read or written is not used, and logout removes it", async () => {
    await begin();
    await login();
    const aside = join(home.path, "aside");
    const damages: [string, () => void, RegExp][] = [
      ["readable by others", () => chmodSync(file(), 0o640), /is open to other users \(mode 0640\)/],
      [
        "a link",
        () => {
          renameSync(file(), aside);
          symlinkSync(aside, file());
        },
        /is a symbolic link/,
      ],
      ["with a second name", () => linkSync(file(), join(home.path, `${Math.random()}`)), /has 2 names/],
      ["no JSON", () => writeFileSync(file(), "{"), /does not hold a login/],
      [
        "of another service",
        () => writeFileSync(file(), JSON.stringify({ ...kept(), service: "x" })),
        /does not hold/,
      ],
      ["too long", () => writeFileSync(file(), " ".repeat(300_000)), /more than 262144 bytes/],
    ];
    const good = readFileSync(file());
    for (const [name, damage, says] of damages) {
      damage();
      const { code, stderr, sent: requests } = await sent();
      expect([code, requests], name).to.deep.equal([2, []]);
      expect(stderr, name)
        .to.match(says)
        .and.match(/coupon logout removes it/);
      const out = await run(["logout"]);
      expect([out.code, out.stdout], name).to.deep.equal([0, `logged out of ${calls.url}\n`]);
      writeFileSync(file(), good, { mode: 0o600 });
    }
    renameSync(file(), aside);
    mkdirSync(file());
    expect((await sent()).stderr).to.match(/cannot be read \(EISDIR\)/);
    expect((await run(["logout"])).stderr).to.match(/cannot be removed: E/);
  });

  it("a folder that others may write into is not used", async () => {
    await begin();
    mkdirSync(join(file(), ".."), { recursive: true });
    chmodSync(join(file(), ".."), 0o777);
    const { code, stderr } = await login();
    expect(code).to.equal(2);
    expect(stderr).to.match(/must be yours, and writable for you alone; run chmod 700/);
    expect(provider.requests).to.deep.equal([]);
  });
});
