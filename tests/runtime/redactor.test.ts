import { expect } from "chai";
import fc from "fast-check";
import { readConfig, redactConfig } from "../../runtime/config.ts";
import { redactError } from "../../runtime/crash.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createRedactor, redactorOf } from "../../runtime/redactor.ts";
import { redactUrls } from "../../runtime/url-secrets.ts";

/** A word that occurs nowhere else, so that each trace of it is a leak. */
const word = fc.stringMatching(/^[A-Z][a-z]{2}[0-9]{4}[A-Z]$/);
/**
 * All characters that have a meaning in a URL, a list, JSON, a shell or a regular expression, and some that
 * people rarely encode.
 */
const between = fc.stringMatching(/^[@/:%,#?&=;+$^*.|()[\]{}<>"'`\\!~ 가é-]{1,3}$/);
/** Words of a secret with anything between them, and the whole as a person types it, encoded or not. */
const secret = fc
  .tuple(fc.array(fc.tuple(word, between), { minLength: 1, maxLength: 3 }), word, fc.boolean())
  .map(([pairs, last, isEncoded]) => {
    const raw = pairs.map((pair) => pair.join("")).join("") + last;
    return {
      words: [...pairs.map(([text]) => text), last],
      raw,
      typed: isEncoded ? encodeURIComponent(raw) : raw,
    };
  });
const host = fc.constantFrom(
  "h",
  "h:6379",
  "db-1.example.com:27017",
  "[::1]:6379",
  "h:99999",
  "h:port",
  "",
  "a,b:1",
);
const scheme = fc.constantFrom(
  "redis",
  "rediss",
  "mongodb",
  "mongodb+srv",
  "http",
  "https",
  "REDIS",
  "redis+unix",
);

type Url = { readonly text: string; readonly words: readonly string[]; readonly secrets: readonly string[] };

/**
 * A URL with secrets in every place that can hold one; most of these URLs cannot be parsed.
 */
const url: fc.Arbitrary<Url> = fc
  .record({
    scheme,
    host,
    user: fc.option(secret),
    password: secret,
    path: fc.constantFrom("", "/", "/0", "/coupons"),
    option: fc.option(
      fc.tuple(
        fc.constantFrom(
          "tlsCertificateKeyFilePassword",
          "proxyPassword",
          "password",
          "authMechanismProperties",
          "x",
        ),
        secret,
      ),
    ),
    harmless: fc.constantFrom("", "replicaSet=rs"),
  })
  .map(({ scheme, host, user, password, path, option, harmless }) => {
    const properties = option?.[0] === "authMechanismProperties" ? "AWS_SESSION_TOKEN:" : "";
    const options = [harmless, option === null ? "" : `${option[0]}=${properties}${option[1].typed}`].filter(
      (text) => text !== "",
    );
    const query = options.length === 0 ? "" : `?${options.join("&")}`;
    const secrets = [user, password, option?.[1]].flatMap((part) => (part ? [part] : []));
    return {
      text: `${scheme}://${user?.typed ?? ""}:${password.typed}@${host}${path}${query}`,
      words: secrets.flatMap(({ words }) => words),
      secrets: [password, ...(option === null ? [] : [option[1]])].flatMap(({ raw, typed }) => [raw, typed]),
    };
  });
/** The value of a setting: one URL, or a list with commas. */
const setting: fc.Arbitrary<Url> = fc.array(url, { minLength: 1, maxLength: 3 }).map((urls) => ({
  text: urls.map(({ text }) => text).join(","),
  words: urls.flatMap(({ words }) => words),
  secrets: urls.flatMap(({ secrets }) => secrets),
}));

function leaksIn(output: string, words: readonly string[]): string[] {
  return words.filter((secretWord) => output.includes(secretWord));
}

/** Texts of this program, with words that a person may also have as a password. */
const OWN_TEXTS = [
  "starting server, scheduler, generator",
  "ready on http://127.0.0.1:8080 (gRPC on http://127.0.0.1:9080)",
  "set REDIS_URL, for example REDIS_URL=redis://localhost:6379, and MONGODB_URL=mongodb://localhost:27017",
  "connect ECONNREFUSED redis:6379",
  "must start with redis:// or rediss://, as in redis://[user:password@]host[:port][/database], or rediss:// for TLS",
  "it is of the form mongodb://[user:password@]host[:port][,host…][/database][?options]",
  "coupon list --url https://coupons.example shows every campaign; sold-out ones too",
  "    at start (file:///app/server/service.js:70:12)",
];

const RUNS = { numRuns: 100 };

describe("redactor", () => {
  it("no part of a secret of a setting is in a line, a cause or a stack, for any URL, parsable or not, alone or in a list (property)", () => {
    fc.assert(
      fc.property(
        setting,
        fc.constantFrom("json", "text"),
        fc.constantFrom("REDIS_URL", "MONGODB_URL"),
        (given, format, name) => {
          const redact = redactorOf({ [name]: given.text });
          const lines: string[] = [];
          const destination = { write: (line: string) => void lines.push(line) };
          const logger = createLogger({ level: "info", format, redact, destination });
          const parser = Object.assign(new TypeError("Invalid URL"), {
            input: given.text,
            code: "ERR_INVALID_URL",
          });
          const driver = new Error(`Invalid connection string "${given.text}"`, { cause: parser });
          for (const text of [given.text, ...given.secrets]) {
            logger.info({ url: text, config: { [name]: text, list: [text] } }, `connecting to ${text}`);
            logger.error({ err: new Error(`WRONGPASS ${text}.`, { cause: driver }) }, "a call failed");
            logger.child({ at: text }).warn("reconnecting");
            lines.push(redact(`coupon: configuration: ${name}: ${text}`), redact(`(${text})`));
          }
          redactError(driver, redact);
          lines.push(driver.message, String(driver.stack), parser.input, String(parser.stack));
          expect(leaksIn(lines.join(""), given.words)).to.deep.equal([]);
        },
      ),
      RUNS,
    );
  });

  it("by its shape alone, no part of a user, a password or an option is shown of a URL that holds no blank (property)", () => {
    fc.assert(
      fc.property(setting, fc.constantFrom(" ", ", ", '"', "", "("), (given, around) => {
        const text = given.text.replaceAll(/\s/g, "");
        expect(leaksIn(redactUrls(`see ${around}${text}${around} there`), given.words)).to.deep.equal([]);
      }),
      RUNS,
    );
  });

  it("the configuration as it is logged shows no part of a secret, and all else (property)", () => {
    fc.assert(
      fc.property(secret, secret, secret, (user, password, token) => {
        const [u, p] = [user, password].map(({ raw }) => encodeURIComponent(raw));
        const config = readConfig({
          REDIS_URL: `redis://${u}:${p}@redis-1:6379,redis://${u}:${p}@redis-2:6379`,
          MONGODB_URL: `mongodb+srv://${u}:${p}@db.example/x?replicaSet=rs&proxyHost=h&proxyUsername=${u}&proxyPassword=${p}`,
          OPERATOR_TOKEN: token.words.join("-").padEnd(20, "-"),
        });
        const shown = redactConfig(config);
        expect(
          leaksIn(JSON.stringify(shown), [...user.words, ...password.words, ...token.words]),
        ).to.deep.equal([]);
        expect(shown["REDIS_URL"]).to.equal(
          "redis://[redacted]@redis-1:6379,redis://[redacted]@redis-2:6379",
        );
        expect(shown["MONGODB_URL"]).to.include("mongodb+srv://[redacted]@db.example/x?replicaSet=rs&");
      }),
    );
  });

  it("shows what opens nothing: hosts, databases, harmless options, links, paths of a stack trace", () => {
    for (const text of [
      "redis://127.0.0.1:6379",
      "redis://a:1,redis://b:2,rediss://[::1]:3/0",
      "mongodb://a:1,b:2,c:3/coupons?replicaSet=rs&authSource=admin&tls=true",
      "mongodb+srv://cluster.example/?w=majority",
      "ready on http://127.0.0.1:8080 (gRPC on http://127.0.0.1:9080)",
      'is "http://h:1" a URL? See https://connectrpc.com/docs#errors.',
      "at file:///app/node_modules/@redis/client/dist/lib/client/index.js:176:93",
      "connect ECONNREFUSED 127.0.0.1:6379",
      "mina@ops rescheduled it",
    ])
      expect(redactUrls(text)).to.equal(text);
  });

  it("keeps hosts, and shows nothing of what nobody can parse", () => {
    const shown = [
      ["redis://:p@ss@h", "redis://[redacted]@h"],
      ["redis://:pa/ss@h:6379/0", "redis://[redacted]"],
      ["mongodb://u:pa/ss@h", "mongodb://[redacted]"],
      ["redis://:one@a:1,redis://:t@wo@b:2", "redis://[redacted]@a:1,redis://[redacted]@b:2"],
      ["redis://:hunter2", "redis://[redacted]"],
      ["redis+unix://u:p@/run/redis.sock?db=1", "redis+unix://[redacted]@/run/redis.sock?db=1"],
      ["rediss://u:p@h?ca=/a.pem&servername=r", "rediss://[redacted]@h?ca=/a.pem&servername=r"],
      [
        "mongodb://h/?tlsCertificateKeyFilePassword=x&tls=true",
        "mongodb://h/?tlsCertificateKeyFilePassword=[redacted]&tls=true",
      ],
      [
        "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:x",
        "mongodb://h/?authMechanismProperties=[redacted]",
      ],
    ] as const;
    for (const [text, expected] of shown) expect(redactUrls(text)).to.equal(expected);
  });

  it("a user beside a password may be named, one alone may be a token; a single character is never sought", () => {
    const redact = redactorOf({ REDIS_URL: "redis://app:pw@h", MONGODB_URL: "mongodb://Tok3nAlone@h" });
    expect(redact("NOPERM User app: pwd is no command")).to.equal("NOPERM User app: pwd is no command");
    expect(redact("no Tok3nAlone")).to.equal("no [redacted]");
    expect(createRedactor({ secrets: [undefined, "", "x"] })("x 'x'")).to.equal("x 'x'");
  });

  it("a password that is a common word changes no text of ours, is shown in no URL, and goes where somebody quotes it (property)", () => {
    const common = fc.oneof(
      fc.constantFrom(...(OWN_TEXTS.join(" ").match(/[\p{L}\d]{2,15}/gu) ?? [])),
      fc.constantFrom("server", "redis", "localhost", "6379", "127.0.0.1", "sold-out", "pw", "redis-1"),
    );
    fc.assert(
      fc.property(common, fc.constantFrom("h", "redis-1:6379", "server01.example"), (password, at) => {
        const redact = redactorOf({
          REDIS_URL: `redis://:${password}@${at}`,
          MONGODB_URL: `mongodb://u:${password}@${at}/coupons?tls=true`,
          COUPON_TOKEN: password,
        });
        for (const text of OWN_TEXTS) expect(redact(text)).to.equal(text);
        expect(redact(`no answer from redis://:${password}@${at}; mongodb://u:${password}@${at}/x`)).to.equal(
          `no answer from redis://[redacted]@${at}; mongodb://[redacted]@${at}/x`,
        );
        expect(redact(`ERR unknown command 'HELLO', with args beginning with: '3' '${password}'`)).to.equal(
          "ERR unknown command 'HELLO', with args beginning with: [redacted]",
        );
        expect(redact(`cannot parse "${password}"`)).to.equal('cannot parse "[redacted]"');
      }),
    );
  });

  it("a password that is the name of its host hides no host", () => {
    const redact = redactorOf({ REDIS_URL: "redis://:redis-cache01@redis-cache01:6379" });
    expect(
      redact("connect ECONNREFUSED redis-cache01:6379 (redis://:redis-cache01@redis-cache01:6379)"),
    ).to.equal("connect ECONNREFUSED redis-cache01:6379 (redis://[redacted]@redis-cache01:6379)");
  });

  it("what is said of a setting that is no URL is said whole, and so is the advice", () => {
    for (const name of ["REDIS_URL", "MONGODB_URL"])
      for (const value of [
        ...[
          "localhost:6379",
          "localhost",
          "mongodb:localhost",
          "mongodb:/localhost",
          "redis:6379",
          "redis",
          "//h",
        ],
        ...[
          "http://localhost:6379",
          "redis://",
          "redis://h:port",
          "mongodb://h,",
          "mongodb+srv://a,b",
          "6379",
        ],
        "redis://h?x=1",
      ]) {
        const env = { REDIS_URL: "redis://h", MONGODB_URL: "mongodb://h", [name]: value };
        let told = "";
        try {
          readConfig(env);
        } catch (error) {
          told = String(error);
        }
        expect(redactorOf(env)(told), value).to.equal(told);
      }
    expect(createRedactor({ urls: ["foo"] })('"foo" is not a URL; coupon --url foo list')).to.include(
      "--url foo list",
    );
  });

  it("knows tokens, with the line end that a file gave them too", () => {
    const redact = redactorOf({ OPERATOR_TOKEN: "Abc123-secret\n", COUPON_TOKEN: "한글 token of 2026" });
    expect(redact("Bearer Abc123-secret")).to.equal("Bearer [redacted]");
    expect(redact(JSON.stringify({ token: "Abc123-secret\n" }))).to.equal('{"token":"[redacted]"}');
    expect(redact("한글 token of 2026")).to.equal("[redacted]");
  });
});
