import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { localKeyFor } from "../../cli/local-key.ts";
import { createLocalKey } from "../../server/local-key.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { campaign, campaignId, type StandIn, startStandIn } from "../support/stand-in.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("cli: the key that a service on this machine made", () => {
  let dir: ReturnType<typeof temporaryDir>;
  let service: StandIn;
  let port: number;
  let file: string;
  let key: string;
  let env: { XDG_STATE_HOME: string; COUPON_TOKEN: string };

  before(async () => {
    service = await startStandIn({
      campaigns: {
        getCampaign: () => ({ campaign: campaign() }),
        pauseCampaign(_, { requestHeader }) {
          const message = `what an echo: ${requestHeader.get("authorization")}`;
          throw new ConnectError(message, Code.Internal);
        },
      },
    });
    port = Number(new URL(service.url).port);
  });
  after(() => service.close());

  beforeEach(() => {
    dir = temporaryDir();
    env = { XDG_STATE_HOME: dir.path, COUPON_TOKEN: "" };
    createLocalKey(env, silentLogger).publish(port);
    file = join(dir.path, "coupon", `operator-${port}`);
    key = readFileSync(file, "utf8").trimEnd();
  });
  afterEach(() => dir.remove());

  async function sentBy(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const before = service.requests.length;
    const done = await runHere(args, { url: service.url, env: { ...env, ...more } });
    return { ...done, sent: service.requests.slice(before).map(({ headers }) => headers.authorization) };
  }

  it("is sent where no token is given", async () => {
    const { code, sent, stderr } = await sentBy(["get", campaignId]);
    expect([code, sent, stderr]).to.deep.equal([0, [`Bearer ${key}`], ""]);
  });

  it("is not sent where one is given", async () => {
    const byFlag = await sentBy(["get", campaignId, "--token", "of-the-flag"]);
    const byEnvironment = await sentBy(["get", campaignId], { COUPON_TOKEN: "of-the-environment" });
    expect([byFlag.sent, byEnvironment.sent]).to.deep.equal([
      ["Bearer of-the-flag"],
      ["Bearer of-the-environment"],
    ]);
  });

  it("coupon config tells the file and not the key", async () => {
    const { stdout } = await sentBy(["config", "--json"]);
    const [{ token } = {}] = readJsonLines(stdout);
    expect(token).to.deep.equal({ value: "(set, 53 characters)", from: file });
  });

  it("is in no output, even where the service repeats it", async () => {
    const { code, stdout, stderr } = await sentBy(["pause", campaignId]);
    expect(code).not.to.equal(0);
    expect(stderr).to.include("what an echo").and.not.to.include(key);
    expect(stdout).not.to.include(key);
  });

  it("is not sent where others may read its file, and the warning names the file", async () => {
    chmodSync(file, 0o644);
    const { sent, stderr } = await sentBy(["get", campaignId]);
    expect(sent).to.deep.equal([undefined]);
    expect(stderr).to.include(`the service's key in ${file} is not used: other users may read or change it`);
  });

  it("is looked for by the URL's address and port, on this machine only", () => {
    const tokenFor = (url: string) => localKeyFor(url, env)?.token;
    for (const host of ["127.0.0.1", "localhost", "127.1", "LOCALHOST"])
      expect(tokenFor(`http://${host}:${port}`), host).to.equal(key);
    expect(tokenFor(`https://127.0.0.1:${port}/below`)).to.equal(key);
    const elsewhere = ["10.0.0.1", "coupons.example.com", "127.0.0.1.example.com", "localhost.example.com"];
    // Another user's program may listen on these while the service listens on 127.0.0.1.
    const others = ["127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:127.0.0.3]"];
    for (const host of [...elsewhere, ...others, "0.0.0.0", "[::2]"])
      expect(tokenFor(`http://${host}:${port}`), host).to.equal(undefined);
    expect(tokenFor(`http://127.0.0.1:${port === 80 ? 81 : 80}`)).to.equal(undefined);
    expect(tokenFor("http://127.0.0.1")).to.equal(undefined);
  });

  it("goes to the address of its service, whatever a name stands for", () => {
    const urlFor = (url: string) => localKeyFor(url, env)?.url;
    expect(urlFor(`http://localhost:${port}/below`)).to.equal(`http://127.0.0.1:${port}/below`);
    expect(urlFor(`https://localhost:${port}`), "a certificate proves it").to.equal(
      `https://localhost:${port}`,
    );
    createLocalKey(env, silentLogger).publish(port + 1, "::1");
    expect(urlFor(`http://localhost:${port + 1}`)).to.equal(`http://[::1]:${port + 1}`);
    expect(urlFor(`http://127.0.0.1:${port + 1}`)).to.equal(undefined);
    expect(urlFor(`http://[0:0:0:0:0:0:0:1]:${port + 1}`)).to.equal(`http://[::1]:${port + 1}`);
  });

  it("by the command: to the service, where localhost is given", async () => {
    const { code, sent } = await sentBy(["get", campaignId, "--url", `http://localhost:${port}`]);
    expect([code, sent]).to.deep.equal([0, [`Bearer ${key}`]]);
  });
});
