import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { configPath, readConfigFile } from "../../cli/config-file.ts";
import {
  type GlobalOptions,
  isPrivate,
  readSettings,
  type Settings,
  wholeNumber,
} from "../../cli/settings.ts";
import { UserError } from "../../cli/user-error.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, type StandIn, startStandIn } from "../support/stand-in.ts";

const secret = "s3cret-of-production";

describe("cli settings", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "coupon-config-"));
    await mkdir(join(home, "coupon"));
  });
  afterEach(() => rm(home, { recursive: true }));

  const path = (): string => join(home, "coupon", "config.json");
  async function write(content: unknown, mode = 0o600): Promise<void> {
    await writeFile(path(), typeof content === "string" ? content : JSON.stringify(content));
    await chmod(path(), mode);
  }
  async function settings(options: GlobalOptions = {}, env: NodeJS.ProcessEnv = {}): Promise<Settings> {
    const surroundings = { XDG_CONFIG_HOME: home, ...env };
    return readSettings(options, surroundings, await readConfigFile(surroundings));
  }
  const refusalOf = async (act: () => unknown): Promise<UserError> => {
    try {
      await act();
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error("it was not refused");
  };

  const two = {
    profile: "local",
    profiles: {
      local: { url: "http://127.0.0.1:8081" },
      production: { url: "https://coupons.example.com/", token: secret, timeout: 20_000, retries: 9 },
    },
  };

  it("without a file: the defaults", async () => {
    expect(await settings()).to.include({
      url: "http://127.0.0.1:8080",
      token: undefined,
      timeoutMs: 10_000,
      profile: undefined,
    });
    expect((await settings()).retries).to.equal(undefined);
    expect(Object.values((await settings()).origins))
      .to.include("default")
      .and.not.include("TZ");
  });

  describe("precedence, each setting by itself: flag, environment, profile, default", () => {
    const other = { url: "http://127.0.0.1:9001", token: "of-the-flag", timeout: "111", retries: "1" };
    const environment = {
      COUPON_URL: "http://127.0.0.1:9002",
      COUPON_TOKEN: "of-the-environment",
      COUPON_TIMEOUT: "222",
      COUPON_RETRIES: "2",
    };
    const read = ({ url, token, timeoutMs, retries }: Settings): unknown[] => [
      url,
      token,
      timeoutMs,
      retries,
    ];

    it("flag over environment and file", async () => {
      await write(two);
      const found = await settings({ ...other, profile: "production" }, environment);
      expect(read(found)).to.deep.equal(["http://127.0.0.1:9001", "of-the-flag", 111, 1]);
      expect(found.origins).to.include({
        url: "--url",
        token: "--token",
        timeout: "--timeout",
        retries: "--retries",
      });
    });

    it("environment over file", async () => {
      await write(two);
      const found = await settings({ profile: "production" }, environment);
      expect(read(found)).to.deep.equal(["http://127.0.0.1:9002", "of-the-environment", 222, 2]);
      expect(found.origins).to.include({
        url: "COUPON_URL",
        token: "COUPON_TOKEN",
        timeout: "COUPON_TIMEOUT",
      });
    });

    it("file over default", async () => {
      await write(two);
      const found = await settings({ profile: "production" });
      expect(read(found)).to.deep.equal(["https://coupons.example.com", secret, 20_000, 9]);
      expect(found.origins).to.include({
        url: "profile production",
        token: "profile production",
        profile: "--profile",
      });
    });

    it("the profile itself: flag, environment, file", async () => {
      await write(two);
      const environment = { COUPON_PROFILE: "production" };
      expect((await settings({ profile: "local" }, environment)).url).to.equal("http://127.0.0.1:8081");
      expect((await settings({}, environment)).url).to.equal("https://coupons.example.com");
      expect(await settings()).to.include({ url: "http://127.0.0.1:8081", profile: "local" });
      expect((await settings()).origins.profile).to.equal(path());
    });

    it("an empty variable counts as none", async () => {
      await write(two);
      expect((await settings({}, { COUPON_URL: "", COUPON_PROFILE: "" })).url).to.equal(
        "http://127.0.0.1:8081",
      );
    });
  });

  it("the token of a profile is not carried to another service", async () => {
    await write(two);
    const elsewhere = await settings({ profile: "production", url: "https://evil.example.com" });
    expect(elsewhere.token).to.equal(undefined);
    expect(elsewhere.warnings.join())
      .to.include("is not sent to https://evil.example.com")
      .and.not.include(secret);
    const same = await settings({ profile: "production" }, { COUPON_URL: "https://coupons.example.com" });
    expect(same.token).to.equal(secret);
    expect(same.warnings).to.deep.equal([]);
  });

  it("finds the file by COUPON_CONFIG, then XDG_CONFIG_HOME, then the home folder", async () => {
    expect(configPath({ COUPON_CONFIG: "/a/b", XDG_CONFIG_HOME: "/x", HOME: "/h" })).to.equal("/a/b");
    expect(configPath({ XDG_CONFIG_HOME: "/x", HOME: "/h" })).to.equal("/x/coupon/config.json");
    expect(configPath({ XDG_CONFIG_HOME: "relative", HOME: "/h" })).to.equal("/h/.config/coupon/config.json");
    expect(configPath({ HOME: "/h" })).to.equal("/h/.config/coupon/config.json");
    expect((await refusalOf(() => readConfigFile({ COUPON_CONFIG: join(home, "none") }))).message).to.include(
      "there is no file",
    );
  });

  it("warns where others may read a token, and only then", async () => {
    await write(two, 0o640);
    expect((await settings()).warnings.join()).to.include(`chmod 600 ${path()}`);
    await write(two, 0o600);
    expect((await settings()).warnings).to.deep.equal([]);
    await write({ profiles: { local: { url: "http://127.0.0.1:1" } } }, 0o644);
    expect((await settings()).warnings).to.deep.equal([]);
  });

  const wrong: [content: unknown, why: RegExp][] = [
    ["{", /is not JSON/],
    [[], /the file is not an object/],
    [{ profils: {} }, /the file has "profils"/],
    [{ profile: 1 }, /"profile" is not a text/],
    [{ profiles: [] }, /profiles is not an object/],
    [{ profiles: { a: 1 } }, /profile "a" is not an object/],
    [{ profiles: { a: { urll: "x" } } }, /profile "a" has "urll"/],
    [{ profiles: { a: { url: 1 } } }, /"url" of profile "a" is not a text/],
    [{ profiles: { a: { login: "https://id.test" } } }, /"login" of profile "a" is not an object/],
    [{ profiles: { a: { login: { issuer: 1 } } } }, /"issuer" of "login" of profile "a" is not a text/],
    [{ profiles: { a: { login: { secret: "x" } } } }, /"login" of profile "a" has "secret"/],
    [{ profiles: { a: { timeout: "1s" } } }, /"timeout" of profile "a" is not a number/],
    [{ profiles: { a: { token: secret } } }, /has a token and no url/],
    [{ profile: "gone", profiles: { a: {} } }, /there is no profile "gone"/],
    [{ profile: "a", profiles: { a: { timeout: 0.5 } } }, /profile a: "0.5" is not a whole number/],
    [{ profile: "a", profiles: { a: { url: "nowhere" } } }, /profile a: "nowhere" is not a URL/],
    [`{ "profiles": { "a": { "token": "${secret}" `, /is not JSON/],
  ];
  for (const [content, why] of wrong) {
    it(`refuses ${JSON.stringify(content)} and says what to do`, async () => {
      await write(content);
      const { message, hint } = await refusalOf(() => settings());
      expect(message).to.match(why).and.not.include(secret);
      expect(hint + message).not.to.equal(message);
    });
  }

  const hints: [field: string, value: unknown, hint: RegExp][] = [
    ["url", 1, /an http or https URL/],
    ["token", 1, /the operator token/],
    ["timeout", "1s", /milliseconds in digits/],
    ["retries", "two", /a whole number in digits/],
    ["urll", "x", /it may have url, token, tokenFile, timeout, retries/],
  ];
  for (const [field, value, allowed] of hints) {
    it(`what may stand in "${field}" is told`, async () => {
      await write({ profiles: { a: { url: "http://127.0.0.1:1", [field]: value } } });
      const { message, hint } = await refusalOf(() => settings());
      expect(message).to.include(`"${field}"`).and.include('profile "a"');
      expect(hint).to.match(allowed);
    });
  }

  const unsendable = [
    "a b",
    "tab\there",
    "two\nlines",
    "비밀번호",
    "caf\u00e9",
    "zero\u200bwidth",
    "\u007f",
    "\u0000",
  ];
  for (const token of unsendable) {
    it(`refuses the token ${JSON.stringify(token)} before anything is sent, from wherever it is`, async () => {
      await write({ profile: "a", profiles: { a: { url: "http://127.0.0.1:1", token } } });
      const refusals = [
        [await refusalOf(() => settings()), "profile a"],
        [await refusalOf(() => settings({ token })), "--token"],
        ...(token === "\u0000"
          ? []
          : ([[await refusalOf(() => settings({}, { COUPON_TOKEN: token })), "COUPON_TOKEN"]] as const)),
      ] as const;
      for (const [{ message, hint }, from] of refusals) {
        expect(message).to.match(/must be letters, digits and punctuation of ASCII, without blanks/);
        expect(message).to.include(from).and.not.include(token);
        expect(hint).to.include(`check ${from}`);
      }
    });
  }

  it("a line end that a file or echo gave a setting is no part of it", async () => {
    await write({ profile: "a", profiles: { a: { url: "http://127.0.0.1:1\n", token: `${secret}\r\n` } } });
    expect((await settings()).token).to.equal(secret);
    expect((await settings({ token: "t\n" })).token).to.equal("t");
    const env = { COUPON_TOKEN: "t\n", COUPON_TIMEOUT: "5000\n", COUPON_URL: "http://127.0.0.1:2\n" };
    expect(await settings({}, env)).to.include({ token: "t", timeoutMs: 5_000, url: "http://127.0.0.1:2" });
    expect((await settings({}, { COUPON_TOKEN: "\n" })).token).to.equal(secret);
  });

  const bad: Record<string, readonly string[]> = {
    COUPON_URL: [
      "h",
      "h:8080",
      "http://",
      "http://h:99999",
      "http://h:port",
      "http://h h",
      "ftp://h",
      "redis://h",
      "http://u:hunter@h",
    ],
    COUPON_TIMEOUT: ["0", "600001", "1e3", " 5", "NaN", "-1", "1.5", "10s", "9".repeat(30)],
    COUPON_RETRIES: ["-1", "101", "1e1", "0x1", "Infinity", "two", " "],
    COUPON_PROFILE: ["none", " "],
    COUPON_TOKEN: ["a b", " "],
  };
  it("a bad value of any variable is a usage error that names it, and no part of a password", async () => {
    for (const [name, values] of Object.entries(bad)) {
      for (const value of values) {
        const { message, hint, exitCode } = await refusalOf(() => settings({}, { [name]: value }));
        expect(message, `${name}=${value}`).to.include(name).and.not.include("hunter");
        expect([exitCode, hint === ""], message).to.deep.equal([2, false]);
      }
    }
  });

  it("a number beyond a limit is told that limit, and digits are grouped", async () => {
    const told = async (text: string) =>
      (await refusalOf(() => wholeNumber("--total", text, 1, 5_000_000))).message;
    expect(await told("9999999")).to.equal("--total is 9,999,999: at most 5,000,000");
    expect(await told("0")).to.equal("--total is 0: at least 1");
    expect(await told("many")).to.equal('--total: "many" is not a whole number from 1 to 5,000,000');
    expect(wholeNumber("--total", "5000000", 1, 5_000_000)).to.equal(5_000_000);
  });

  it("warns of a TZ that is no zone, since instants are then shown in UTC", async () => {
    expect((await settings({}, { TZ: "Foo/Bar" })).warnings.join()).to.match(
      /^TZ "Foo\/Bar" is no time zone .* in UTC/,
    );
    expect((await settings({}, { TZ: "Asia/Seoul" })).warnings).to.deep.equal([]);
  });

  it("what goes to this machine alone is private, however it is spelled", async () => {
    for (const host of [
      "localhost",
      "LOCALHOST",
      "127.1",
      "[0:0:0:0:0:0:0:1]",
      "[::ffff:127.0.0.1]",
      "localhost.:80",
    ])
      expect(isPrivate(`http://${host}`), host).to.equal(true);
    for (const host of ["10.0.0.1", "localhost.example.com", "[::2]"])
      expect(isPrivate(`http://${host}`), host).to.equal(false);
  });

  it("names the profiles there are", async () => {
    await write(two);
    const { message, hint } = await refusalOf(() => settings({ profile: "prod" }));
    expect(message).to.include('--profile: there is no profile "prod"');
    expect(hint).to.equal("there are local, production");
  });

  describe("in the command", () => {
    let service: StandIn;
    before(async () => {
      service = await startStandIn({ campaigns: { getCampaign: () => ({ campaign: campaign() }) } });
    });
    after(() => service.close());

    it("coupon config shows what is in effect and from where, never the token", async () => {
      await write(two);
      const env = { XDG_CONFIG_HOME: home, COUPON_RETRIES: "3", COUPON_ACTOR: "kim@desk" };
      const { code, stdout, stderr } = await runHere(["config", "--profile", "production"], { env });
      expect(code).to.equal(0);
      expect(stderr).to.equal("");
      expect(stdout).to.match(/url +https:\/\/coupons\.example\.com {2}from profile production/);
      expect(stdout).to.match(/token +\(set, 20 characters\) {2}from profile production/);
      expect(stdout)
        .to.match(/retries +3 {2}from COUPON_RETRIES/)
        .and.match(/actor +kim@desk {2}from COUPON_ACTOR/)
        .and.match(/zone +Asia\/Seoul {2}from TZ/);
      expect(stdout).to.include("profiles: local, production").and.not.include(secret);
      const json = await runHere(["config", "--profile", "production", "--json"], { env });
      expect(json.stdout).not.to.include(secret);
      expect(readJsonLines(json.stdout)[0]).to.deep.include({
        url: { value: "https://coupons.example.com", from: "profile production" },
        configFile: { path: path(), exists: true, profiles: ["local", "production"] },
      });
    });

    it("sends the profile's token to the profile's service, and warns of a file that others can read", async () => {
      await write({ profile: "here", profiles: { here: { url: service.url, token: secret } } }, 0o644);
      const { code, stderr } = await runHere(["get", campaignId], { env: { XDG_CONFIG_HOME: home } });
      expect(code).to.equal(0);
      expect(stderr).to.equal(`coupon: others can read the token in ${path()}; run chmod 600 ${path()}\n`);
      expect(service.requests.at(-1)?.headers.authorization).to.equal(`Bearer ${secret}`);
    });

    it("a file that cannot be used ends with exit code 2 and one line", async () => {
      await write("{");
      const { code, stderr } = await runHere(["get", campaignId], { env: { XDG_CONFIG_HOME: home } });
      expect(code).to.equal(2);
      expect(stderr).to.match(/^coupon: config file [^\n]+ is not JSON; coupon config --help[^\n]+\n$/);
    });
  });
});
