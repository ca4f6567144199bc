import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { expect } from "chai";
import { exitOf } from "../../local/child.ts";
import { withRecordedCalls } from "../support/recorded-calls.ts";
import { readJsonLines, startCli } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaignId } from "../support/stand-in.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const SECRET = "s3cret-of-a-file-0123456789";

describe("cli: the token from a file", () => {
  const calls = withRecordedCalls();
  let dir: ReturnType<typeof temporaryDir>;
  let file: string;

  beforeEach(() => {
    dir = temporaryDir();
    file = join(dir.path, "token");
    write(file, `${SECRET}\n`);
  });
  afterEach(() => dir.remove());

  function write(path: string, text: string, mode = 0o600): void {
    writeFileSync(path, text);
    chmodSync(path, mode);
  }

  type Given = { readonly env?: Readonly<Record<string, string>>; readonly stdin?: Readable };
  async function get(args: readonly string[], { env = {}, stdin }: Given = {}) {
    const before = calls.requests.length;
    const surroundings = { url: calls.url, env: { COUPON_TOKEN: "", ...env } };
    const done = await runHere(
      ["get", campaignId, ...args],
      stdin === undefined ? surroundings : { ...surroundings, stdin },
    );
    return { ...done, sent: calls.requests.slice(before).map(({ headers }) => headers.authorization) };
  }
  const config = (profile: object) => {
    mkdirSync(join(dir.path, "config"));
    const path = join(dir.path, "config", "config.json");
    write(path, JSON.stringify({ profile: "a", profiles: { a: { url: calls.url, ...profile } } }));
    return { COUPON_CONFIG: path, COUPON_URL: "" };
  };

  it("that --token-file, COUPON_TOKEN_FILE or a profile names, without its line end", async () => {
    const ways: [args: string[], env: Record<string, string>][] = [
      [["--token-file", file], {}],
      [[], { COUPON_TOKEN_FILE: file }],
      [[], config({ tokenFile: "../token" })],
      [[], { COUPON_CONFIG: join(dir.path, "config", "config.json"), COUPON_URL: "" }],
    ];
    for (const [args, env] of ways) {
      const { code, sent, stderr } = await get(args, { env });
      expect([code, sent, stderr]).to.deep.equal([0, [`Bearer ${SECRET}`], ""]);
    }
  });

  it("a profile's file may be below the home", async () => {
    const { sent } = await get([], { env: { ...config({ tokenFile: "~/token" }), HOME: dir.path } });
    expect(sent).to.deep.equal([`Bearer ${SECRET}`]);
  });

  it("- is standard input, to its end", async () => {
    const stdin = Readable.from([SECRET.slice(0, 5), SECRET.slice(5), "\r\n"]);
    const { code, sent } = await get(["--token-file", "-"], { stdin });
    expect([code, sent]).to.deep.equal([0, [`Bearer ${SECRET}`]]);
  });

  it("by a process of its own, through a pipe", async () => {
    const running = await startCli(["get", campaignId, "--token-file", "-"], {
      url: calls.url,
      env: { COUPON_TOKEN: "" },
    });
    running.child.stdin?.end(`${SECRET}\n`);
    expect((await running.finished).code).to.equal(0);
    expect(calls.requests.at(-1)?.headers.authorization).to.equal(`Bearer ${SECRET}`);
  });

  describe("a pipe", () => {
    let pipe: string;
    beforeEach(() => {
      pipe = join(dir.path, "pipe");
      execFileSync("mkfifo", ["-m", "600", pipe]);
    });

    it("into which nobody writes is an error at once, not a command that never ends", async () => {
      const { code, sent, stderr } = await get(["--token-file", pipe]);
      expect([code, sent]).to.deep.equal([2, []]);
      expect(stderr).to.include("--token-file: there is no token in it");
    });

    it("whose writer takes its time is waited for", async () => {
      const script = 'exec 3<>"$0"; echo open; sleep 0.3; printf %s "$1" >&3';
      const writer = spawn("sh", ["-c", script, pipe, SECRET], { stdio: ["ignore", "pipe", "inherit"] });
      const ended = exitOf(writer);
      await once(writer.stdout, "data");
      const { code, sent } = await get(["--token-file", pipe]);
      expect([code, sent]).to.deep.equal([0, [`Bearer ${SECRET}`]]);
      await ended;
    });
  });

  it("a terminal is no standard input for a token: it would be shown", async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const { code, sent, stderr } = await get(["--token-file", "-"], { stdin });
    expect([code, sent]).to.deep.equal([2, []]);
    expect(stderr).to.include("standard input is a terminal");
  });

  it("that others may read is used, and the warning says how to close it", async () => {
    chmodSync(file, 0o644);
    const { code, sent, stderr } = await get(["--token-file", file]);
    expect([code, sent]).to.deep.equal([0, [`Bearer ${SECRET}`]]);
    expect(stderr).to.include(`others can read the token in ${file}; run chmod 600 ${file}`);
  });

  it("a flag wins over the environment, the environment over the profile", async () => {
    const other = join(dir.path, "other");
    write(other, "of-the-other-file");
    const env = { ...config({ tokenFile: "../token" }), COUPON_TOKEN_FILE: other };
    expect((await get([], { env })).sent).to.deep.equal(["Bearer of-the-other-file"]);
    expect((await get(["--token", "of-the-flag"], { env })).sent).to.deep.equal(["Bearer of-the-flag"]);
    const both = { COUPON_TOKEN: "x", COUPON_TOKEN_FILE: other };
    expect((await get(["--token-file", file], { env: both })).sent).to.deep.equal([`Bearer ${SECRET}`]);
  });

  it("of a profile is sent to the profile's URL only", async () => {
    const profile = { url: "https://coupons.example.com", tokenFile: "../token" };
    const { sent, stderr } = await get([], { env: { ...config(profile), COUPON_URL: calls.url } });
    expect(sent).to.deep.equal([undefined]);
    expect(stderr).to.include("is for https://coupons.example.com and is not sent");
  });

  it("two ways at once are an error, and nothing is sent", async () => {
    const wrong: [args: string[], env: Record<string, string>, why: string][] = [
      [["--token", "x", "--token-file", file], {}, "--token and --token-file are both given"],
      [
        [],
        { COUPON_TOKEN: "x", COUPON_TOKEN_FILE: file },
        "COUPON_TOKEN and COUPON_TOKEN_FILE are both given",
      ],
      [[], config({ token: "x", tokenFile: "../token" }), 'profile "a" has both token and tokenFile'],
    ];
    for (const [args, env, why] of wrong) {
      const { code, sent, stderr } = await get(args, { env });
      expect([code, sent], why).to.deep.equal([2, []]);
      expect(stderr).to.include(why);
    }
  });

  it("that is no token is an error that names the way and repeats nothing of it", async () => {
    const files: [name: string, text: string, why: RegExp][] = [
      ["empty", "\n", /--token-file: there is no token in it/],
      ["blank", `${SECRET} and more`, /the token of --token-file must be letters, digits and punctuation/],
      ["long", SECRET.repeat(5_000), /--token-file: it is too long for a token/],
    ];
    for (const [name, text, why] of files) {
      const path = join(dir.path, name);
      write(path, text);
      const { code, sent, stderr } = await get(["--token-file", path]);
      expect([code, sent], name).to.deep.equal([2, []]);
      expect(stderr).to.match(why).and.not.include(SECRET);
    }
    const none = await get(["--token-file", join(dir.path, "gone")]);
    expect(none.stderr).to.match(/--token-file: the file ".*gone" cannot be read \(ENOENT\)/);
    expect((await get(["--token-file", dir.path])).stderr).to.match(/cannot be read \(EISDIR\)/);
  });

  it("coupon config tells where it comes from, and not the token", async () => {
    const { stdout } = await runHere(["config", "--json", "--token-file", file], { url: calls.url });
    const [{ token } = {}] = readJsonLines(stdout);
    expect(token).to.deep.equal({ value: "(set, 27 characters)", from: "--token-file" });
  });
});
