import { generateKeyPairSync } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { type Config, changedSettings, readConfig, redactConfig, SETTINGS } from "../../runtime/config.ts";
import { settingWarnings } from "../../runtime/setting-warnings.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";

const BASE = { REDIS_URL: "redis://127.0.0.1:6379", MONGODB_URL: "mongodb://127.0.0.1:27017" };

function read(
  env: Record<string, string | undefined>,
  flags: Record<string, string | undefined> = {},
): Config {
  return readConfig({ ...BASE, ...env }, flags);
}

function errorOf(env: Record<string, string | undefined>, flags = {}): UserError {
  try {
    readConfig({ ...BASE, ...env }, flags);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(env)}`);
}

/** A password with characters of the URL syntax, and invalid hosts and ports. */
const malformed = (scheme: string) =>
  [
    ...[
      "",
      ":port",
      ":99999",
      ":0",
      ":",
      "h:port",
      "h:0",
      "h:65536",
      "h:1:2",
      "h h",
      "[::1",
      "[h]:1",
      "::1",
      "h,",
      ",h",
    ],
    ...[
      "u:Secr3t@",
      "u:Secr3t@:1",
      ":Secr3t",
      "u:hunter/Secr3t@h",
      "u:hunter?Secr3t@h",
      "u:hunter#Secr3t@h",
      "u:hunter Secr3t@h",
    ],
    ...[
      "u:%zz@h",
      "u:100%@h",
      "u:%ff@h",
      "h/?x=hunter@Secr3t",
      "h#Secr3t",
      "u/Secr3t:p@h",
      "u@a@Secr3t@h",
      "u:[Secr3t]@h",
    ],
  ].map((rest) => `${scheme}://${rest}`);
const badRedis = [
  "redis:/h",
  "redis://h/x",
  "redis://h/-1",
  "redis://h/0/1",
  "redis://h?x=1",
  "redis://a/1,redis://b",
  "redis://a,,redis://b",
];
const badMongodb = [
  ...[
    "mongodb:/h",
    "mongodb://u:a:b@h",
    "mongodb://h/a b",
    "mongodb://h/a$b",
    "mongodb://h/?foo=hunter",
    "mongodb://h/?tls=maybe",
  ],
  ...[
    "mongodb://h/?maxPoolSize=-1",
    "mongodb://a,b/?directConnection=true",
    "mongodb+srv://h:1",
    "mongodb+srv://a,b",
    "mongodb://h,mongodb://g",
  ],
];

const SHOP_KEY = `shop:${"0".repeat(64)}`;

describe("configuration", () => {
  it("needs the stores only, and has a default for everything else", () => {
    expect(read({})).to.deep.include({
      ...BASE,
      MONGODB_DATABASE: "coupons",
      HOST: "127.0.0.1",
      PORT: 8080,
      GRPC_PORT: 9080,
      ROLES: ["server", "scheduler", "generator", "events"],
      WORKERS: 1,
      LOG_LEVEL: "info",
      LOG_FORMAT: "json",
      CLAIM_BATCH_MAX: 256,
      CLAIM_QUEUE_MAX: 20_000,
      CLAIMS_HELD_MAX: 20_000,
      CLAIM_WAIT_TARGET_MS: 100,
      COMMITS_IN_FLIGHT_MAX: 4,
      HERD_RATE: 5_000,
      WARM_UP: "on",
      ATTEMPTS_KEPT: 0,
      ISSUE_DEADLINE_MS: 5_000,
      STORE_DEADLINE_MS: 2_000,
      COMMIT_DEADLINE_MS: 4_000,
      LEASE_MS: 2_000,
      SWEEP_AFTER_MS: 1_000,
      START_DEADLINE_MS: 10_000,
      DRAIN_DEADLINE_MS: 10_000,
    });
  });

  it("flags win over the environment; an empty value is as none; what is unknown is ignored", () => {
    const config = read({ PORT: "9000", HOST: "", PATH: "/bin" }, { PORT: "9001", ROLES: undefined });
    expect([config.PORT, config.HOST]).to.deep.equal([9001, "127.0.0.1"]);
    expect(config).not.to.have.property("PATH");
  });

  it("reads lists, ports and addresses", () => {
    expect(read({ ROLES: " server , generator" }).ROLES).to.deep.equal(["server", "generator"]);
    expect(read({ PORT: "0" })).to.include({ PORT: 0, GRPC_PORT: 0 });
    expect(read({ PORT: "65000" }).GRPC_PORT).to.equal(65_535);
    expect(read({ GRPC_PORT: "7000" }).GRPC_PORT).to.equal(7_000);
    const several = "redis://a:1,redis://b:2,rediss://c:3";
    expect(read({ REDIS_URL: several }).REDIS_URL).to.equal(several);
    const replicas = "mongodb://a:1,b:2,c:3/?replicaSet=rs";
    expect(read({ MONGODB_URL: replicas }).MONGODB_URL).to.equal(replicas);
    expect(read({ MONGODB_URL: "mongodb+srv://cluster.example" }).MONGODB_URL).to.match(/^mongodb\+srv/);
  });

  const BAD_ORIGINS = [
    ...["*", "https://*.shop.example", "shop.example", "https://shop.example/", "https://shop.example/shop"],
    ...[
      "https://u:p@shop.example",
      "https://shop.example?a",
      "https://shop.example#a",
      "null",
      ",",
      "https://",
    ],
    ...["wss://shop.example", "file://", "https://shop.example:99999", "https://a b", "https:shop.example"],
    Array.from({ length: 51 }, (_, at) => `https://${at}.example`).join(),
  ];
  const bad: [name: string, values: string[]][] = [
    ["REDIS_URL", ["http://x", "127.0.0.1:6379", "redis://a,http://b", ...malformed("redis"), ...badRedis]],
    ["MONGODB_URL", ["http://x", "127.0.0.1", "mysql://x", ...malformed("mongodb"), ...badMongodb]],
    ["MONGODB_DATABASE", ["a b", "x".repeat(61), "a.b", "$x", "a/b", "admin", "Local", "쿠폰"]],
    ["HOST", ["http://h", "h:8080", "[::1]", "h h", "::1::2", "a,b", "h/", "x".repeat(254)]],
    ["PORT", ["-1", "65536", "8080.5", "http"]],
    ["GRPC_PORT", ["-1", "65536", "x"]],
    ["OPERATORS_HOST", ["http://h", "h:8080", "[::1]"]],
    ["OPERATORS_PORT", ["-1", "65536", "x", "Off"]],
    ["OPERATORS_GRPC_PORT", ["-1", "65536", "x"]],
    ["GRPC_REFLECTION", ["yes", "ON", "1"]],
    ["OPERATORS_GRPC_REFLECTION", ["yes", "ON", "1"]],
    ["TLS_CERT_FILE", ["server.crt", "./server.crt"]],
    ["TLS_KEY_FILE", ["server.key", "./server.key"]],
    ["OPERATORS_CLIENT_CA_FILE", ["ca.crt", "./ca.crt"]],
    ["HEALTH_HOST", ["http://h", "h:8080", "[::1]"]],
    ["HEALTH_PORT", ["-1", "65536", "x", "on"]],
    ["ROLES", ["sever", "server,", "server scheduler", ","]],
    ["WORKERS", ["0", "65", "-1", "1.5", "two", "1e1"]],
    [
      "OPERATOR_TOKEN",
      [
        "short",
        "x".repeat(15),
        ...["a b", "a\tb", "a\nb", "비밀", "é", "\u007f", "\u0000", "\u200b"].map(
          (text) => `${text}-and-16-more-of-it`,
        ),
      ],
    ],
    ["CLAIM_AUTH", ["Open", "none", "token,key"]],
    ["CLAIM_TOKEN_SECRET", ["x".repeat(31), `${"x".repeat(32)} short`, "비밀".repeat(20), "x ".repeat(5)]],
    [
      "CLAIM_TOKEN_JWKS",
      ["jwks.json", "./jwks.json", "http://h/jwks", "https://u:p@h/jwks", "ftp://h/jwks", "file:///jwks"],
    ],
    ["CLAIM_TOKEN_AUDIENCE", ["a b", "비밀", "x".repeat(201)]],
    ["CLAIM_TOKEN_ISSUER", ["a b", "x".repeat(201)]],
    ["CONNECTIONS_MAX", ["0", "-1", "many", "10000001"]],
    ["CONNECTIONS_PER_SOURCE_MAX", ["0", "-1", "many", "10000001"]],
    [
      "TRUST_PROXY",
      [
        ...["proxy.example", "10.0.0", "10.0.0.1/33", "10.0.0.1/x", "10.0.0.1/", "/8", "10.0.0.0/8/8"],
        ...["::1/129", "fe80::1%eth0", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "0.0.0.0/0", "::/0", ","],
        ...["10.0.0.1|10.0.0.2", "010.0.0.1", "Loopback", "10.0.0.1,".repeat(101)],
      ],
    ],
    ["PROXY_PROTOCOL", ["yes", "v2"]],
    ["PUBLIC_LAUNCH_PAGE", ["yes", "ON", "1"]],
    ["CLAIM_TOKEN_SKEW_MS", ["-1", "300001", "5s"]],
    [
      "CLAIM_KEYS",
      [
        "shop",
        "shop:",
        `shop:${"0".repeat(63)}`,
        `shop:${"A".repeat(64)}`,
        `s hop:${"0".repeat(64)}`,
        `:${"0".repeat(64)}`,
        `${SHOP_KEY},${SHOP_KEY}`,
        `${SHOP_KEY}:x`,
      ],
    ],
    [
      "OPERATOR_HOSTS",
      ["ops.example:443", "http://ops.example", "*.example", "[::1]", "a/b", "u@h", ",", "h ".repeat(21)],
    ],
    ...(["ALLOWED_ORIGINS", "OPERATOR_ORIGINS"] as const).map(
      (name) => [name, BAD_ORIGINS] as [typeof name, string[]],
    ),
    ["OPERATOR_KEYS", ["kim", "kim:admin", `kim:root:${"0".repeat(64)}`, `kim:admin:${"0".repeat(63)}`]],
    [
      "OPERATOR_OIDC_ISSUER",
      [
        "id.test",
        "http://id.test",
        "https://u:p@id.test",
        "https://id.test?a",
        "https://id.test/#a",
        "ftp://h",
      ],
    ],
    ["OPERATOR_OIDC_AUDIENCE", ["a b", "쿠폰", "x".repeat(201)]],
    ["OPERATOR_OIDC_ROLE_CLAIM", ["a b", "역할", "x".repeat(201)]],
    [
      "OPERATOR_OIDC_ROLES",
      [",", "ops", "ops:", ":admin", "ops:root", "ops:Admin", "a:admin,b", "a:admin,a:viewer", " :admin"],
    ],
    ["OPERATOR_OIDC_NAME_CLAIM", ["a b", "x".repeat(201)]],
    ["OPERATOR_OIDC_SKEW_MS", ["-1", "300001", "5s"]],
    [
      "LIMIT_USER",
      ["on", "20", "20/", "/10", "0/10", "20/0", "20/3601", "1000001/1", "2.5/1", "-1/1", "20 / 10"],
    ],
    ["LIMIT_ADDRESS", ["none", "20/10s", "20:10"]],
    ["LIMIT_KEY", ["OFF", "1/1/1"]],
    ["LIMIT_VALIDATE", ["on", "0/1"]],
    ["LIMITS_SHARED", ["yes", "true", "redis"]],
    [
      "CLAIM_HOOK_URL",
      [
        ...["http://h/check", "https://u:p@h/check", "ftp://h", "/check", "h/check"],
        ...["https://h/check?key=secret", "https://h/check#secret"],
      ],
    ],
    ["CLAIM_HOOK_SECRET", ["short", "x".repeat(15), `${"x".repeat(16)} y`, "비밀".repeat(10)]],
    ["ERASURE_KEY", ["short", "x".repeat(31)]],
    [
      "CERTIFICATE_KEY",
      [
        ...["secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"],
        generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
        generateKeyPairSync("ed25519").publicKey.export({ format: "pem", type: "spki" }).toString(),
      ],
    ],
    ["CLAIM_HOOK_FAILS", ["no", "Open", "true"]],
    ["CLAIM_HOOK_DEADLINE_MS", ["49", "5001", "0.3s"]],
    [
      "EVENT_SINKS_ALLOW",
      [
        ...[",", "none, loopback", "0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0/8", "::ffff:10.0.0.1"],
        ...["crm:8080", "https://crm.example", "*.example", "a..b", "-a.b", "1234", "crm,".repeat(101)],
      ],
    ],
    ["LOG_LEVEL", ["loud", "INFO"]],
    ["LOG_FORMAT", ["xml"]],
    [
      "SENTRY_DSN",
      [
        ...["o1.ingest.sentry.test/1", "https://o1.ingest.sentry.test/1", "https://key@h", "https://key@h/"],
        ...["https://key@h/project", "https://key:second@h/1", "http://key@h/1", "ftp://key@h/1"],
        ...[
          "https://key@h/1?a=b",
          "https://key@h/1#a",
          "https://key@h/1/",
          "https://k-y@h/1",
          "https://key@h/ 1",
        ],
      ],
    ],
    ["OTEL_SDK_DISABLED", ["yes", "1", "off"]],
    ["OTEL_TRACES_EXPORTER", ["console", "zipkin", "otlp,console"]],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", ["collector:4318", "grpc://c:4317", "http://", "http://c /x"]],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ["/v1/traces", "unix:/tmp/x"]],
    ["OTEL_EXPORTER_OTLP_HEADERS", ["authorization", "=x", "a b=c", "a=%zz"]],
    ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", ["authorization: x", "a=1,b"]],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", ["grpc", "http", "HTTP/JSON"]],
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", ["grpc"]],
    ["OTEL_TRACES_SAMPLER", ["all", "parentbased", "jaeger_remote"]],
    ["OTEL_TRACES_SAMPLER_ARG", ["1.1", "-0.1", "1%", "half", "."]],
    ["OTEL_SERVICE_NAME", ["  ", "x".repeat(256)]],
    ["OTEL_RESOURCE_ATTRIBUTES", ["team", "a=%", "a:b"]],
    ["OTEL_BSP_SCHEDULE_DELAY", ["0", "600001", "5s"]],
    ["OTEL_BSP_EXPORT_TIMEOUT", ["0", "600001"]],
    ["OTEL_BSP_MAX_QUEUE_SIZE", ["0", "1000001"]],
    ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", ["0", "100001"]],
    ["SENTRY_ENVIRONMENT", ["a b", "a/b", "a\\b", "환경", "x".repeat(65)]],
    ["SENTRY_RELEASE", ["a b", "a/b", "x".repeat(201)]],
    ["CLAIM_BATCH_MAX", ["0", "1001", "many"]],
    ["CLAIM_QUEUE_MAX", ["0", "1000001"]],
    ["CLAIMS_HELD_MAX", ["0", "1000001"]],
    ["CLAIM_WAIT_TARGET_MS", ["-1", "60001", "off"]],
    ["COMMITS_IN_FLIGHT_MAX", ["0", "65"]],
    ["HERD_RATE", ["0", "1000001", "OFF", "none", "5/10"]],
    ["WARM_UP", ["ON", "true", "30"]],
    ["ATTEMPTS_KEPT", ["-1", "1000001", "off"]],
    ["ISSUE_DEADLINE_MS", ["99", "60001", "5s"]],
    ["STORE_DEADLINE_MS", ["99", "60001"]],
    ["EVENT_SINKS_DEADLINE_MS", ["99", "60001"]],
    ["COMMIT_DEADLINE_MS", ["99", "60001"]],
    ["COMMIT_STALL_MS", ["49", "60001"]],
    ["STORE_STALL_MS", ["49", "60001"]],
    ["LEASE_MS", ["999", "600001"]],
    ["SWEEP_AFTER_MS", ["99", "60001"]],
    ["START_DEADLINE_MS", ["99", "600001"]],
    ["KEEP_ALIVE_TIMEOUT_MS", ["999", "3600001", "75s"]],
    ["SHUTDOWN_DELAY_MS", ["-1", "600001", "5s"]],
    ["DRAIN_DEADLINE_MS", ["99", "600001", "1.5"]],
  ];
  /** Texts that are no whole decimal number, also those that `Number()` accepts. */
  const noNumber = [
    " ",
    " 5",
    "5 ",
    "1e3",
    "0x10",
    "+5",
    "-5",
    "1_000",
    "1,000",
    "1.0",
    "NaN",
    "Infinity",
    "null",
    "true",
    "９",
    "5\u00a0",
    "9".repeat(30),
  ];

  it("has a row of bad values for each setting", () => {
    expect(bad.map(([name]) => name)).to.have.members([...SETTINGS]);
  });

  it("what is no number is refused for each setting that is one, with its name and what is allowed", () => {
    const good = read({ GRPC_PORT: "7000" });
    const numbers = SETTINGS.filter((name) => typeof good[name] === "number");
    expect(numbers.length).to.be.greaterThan(10);
    for (const name of numbers) {
      for (const value of noNumber) {
        expect(errorOf({ [name]: value }).message, value).to.match(
          new RegExp(`^configuration: ${name}: ".*" must be a whole number[a-z (),]* \\d+ to \\d+$`, "s"),
        );
      }
    }
  });

  it("any value of any setting is taken, or refused as a configuration that names it; never another error (property)", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.stringMatching(/^(redis|rediss|mongodb|mongodb\+srv):\/\/[a-z0-9:@/?#,%=&.[\]-]{0,30}$/),
      fc.stringMatching(/^[-+0-9.eExX_, ]{1,12}$/),
    );
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS), anything, (name, value) => {
        try {
          read({ [name]: value });
        } catch (error) {
          expect(error).to.be.instanceOf(UserError);
          expect((error as UserError).exitCode).to.equal(EXIT.configuration);
          expect((error as UserError).message).to.match(new RegExp(`^configuration: .*${name}`));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("says what is allowed of a URL, which one of a list, and no part of it", () => {
    const why = (name: string, url: string) => errorOf({ [name]: url }).message;
    expect(why("REDIS_URL", "redis://h:99999")).to.equal(
      "configuration: REDIS_URL: must have a port from 1 to 65535 after the : of its host, or none",
    );
    expect(why("REDIS_URL", "redis://:pa/ss@h")).to.match(
      /character before its @ that must be encoded .*%2F/,
    );
    expect(why("REDIS_URL", "redis://a:1,redis://b:x")).to.match(/: URL 2 of 2 must have a port/);
    expect(why("REDIS_URL", "redis://a/1,redis://b")).to.match(/URL 1 of 2 .*a Redis Cluster has database 0/);
    for (const value of ["hunter 2", "hunter\t2", "hunter,x://Secr3t"]) {
      const url = `redis+sentinel://h/m?sentinelPassword=${value}`;
      expect(why("REDIS_URL", url)).to.match(/has a value of sentinelPassword that must be encoded/);
      expect(why("REDIS_URL", url)).not.to.match(/hunter|Secr3t/);
    }
    for (const path of ["", "/", "/.", "/..", "/a/b"])
      expect(why("REDIS_URL", `redis+sentinel://h${path}`)).to.match(/must have the name of the master/);
    expect(why("MONGODB_URL", "mongodb://u:p@ss@h")).to.match(/must have one @ at most/);
    expect(why("MONGODB_URL", "mongodb://a,b:0")).to.match(/port from 1 to 65535/);
    expect(why("MONGODB_URL", "mongodb://h/?replicaSet=rs&hunter=2")).to.match(
      /does not know: number 2 after its \?$/,
    );
    expect(why("MONGODB_URL", "mongodb://h/?tls=perhaps")).to.match(/a value of tls that .* does not take/);
    for (const value of ["hunter 2", "hunter\t2", "hunter,x://Secr3t", "a,b+c://d&tlsCAFile=/Secr3t"]) {
      const url = `mongodb://h/?appName=a&tlsCertificateKeyFilePassword=${value}`;
      expect(why("MONGODB_URL", url)).to.match(
        /a value of tlsCertificateKeyFilePassword that must be encoded/,
      );
      expect(why("MONGODB_URL", url)).not.to.match(/hunter|Secr3t/);
    }
    expect(why("MONGODB_URL", "mongodb://h/?tls=true&hunter 2=x")).to.match(
      /has an option, number 2 after its \?, that must be encoded/,
    );
    expect(why("MONGODB_URL", "mongodb+srv://h:27017")).to.match(/one host and no port/);
    for (const [name, values] of bad.slice(0, 2))
      for (const value of values) expect(why(name, value)).not.to.match(/hunter|Secr3t/);
  });

  it("takes URLs with everything that they may have", () => {
    for (const url of [
      ...[
        "redis://h",
        "rediss://h:6380/5",
        "redis://:p%40%2Fss@h",
        "redis://u:p@[::1]:6379/0",
        "redis://u@h.example.com.",
      ],
      ...["redis://u:p@a:1,redis://u:p@b:2/0", "redis://127.0.0.1:6379/"],
    ])
      expect(read({ REDIS_URL: url }).REDIS_URL).to.equal(url);
    for (const url of [
      ...[
        "mongodb://h",
        "mongodb://u:p%40ss@h:27017,g:27018/coupons?authSource=admin&replicaSet=rs&tls=true",
      ],
      ...[
        "mongodb://[::1]:27017/?directConnection=true",
        "mongodb://%2Ftmp%2Fmongodb-27017.sock",
        "mongodb+srv://u:p@c.example/?w=majority",
      ],
      "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=p%40ss%20%2C",
      "mongodb://h/?readPreference=secondary&readPreferenceTags=dc:ny,rack:1",
    ])
      expect(read({ MONGODB_URL: url }).MONGODB_URL).to.equal(url);
  });

  it("a line end that a file or echo gave a value is no part of it", () => {
    const token = "a-token-of-some-length";
    for (const end of ["\n", "\r\n", "\n\n"]) {
      const config = read({ OPERATOR_TOKEN: token + end, PORT: `8081${end}`, REDIS_URL: `redis://h${end}` });
      expect([config.OPERATOR_TOKEN, config.PORT, config.REDIS_URL]).to.deep.equal([
        token,
        8081,
        "redis://h",
      ]);
    }
    expect(read({ OPERATOR_TOKEN: "\n" }).OPERATOR_TOKEN).to.equal(undefined);
    expect(errorOf({ OPERATOR_TOKEN: "한글로 된 토큰은 보낼 수 없다" }).message).to.match(
      /OPERATOR_TOKEN: must be letters, digits and punctuation of ASCII, without blanks/,
    );
  });

  it("limits users where they are proven or vouched for, and nobody else, unless it is told otherwise", () => {
    const token = { CLAIM_TOKEN_SECRET: "x".repeat(32), CLAIM_TOKEN_AUDIENCE: "coupons" };
    const limitOf = (env: Record<string, string>) => read(env).LIMIT_USER;
    expect(limitOf({})).to.equal("off");
    expect(limitOf({ LIMIT_USER: "3/1" })).to.equal("3/1");
    expect(limitOf({ CLAIM_AUTH: "token", ...token })).to.equal("20/10");
    expect(limitOf({ CLAIM_AUTH: "key", CLAIM_KEYS: SHOP_KEY })).to.equal("20/10");
    expect(limitOf({ CLAIM_AUTH: "key", CLAIM_KEYS: SHOP_KEY, LIMIT_USER: "off" })).to.equal("off");
  });

  it("a hook needs to be told what holds while it does not answer", () => {
    const url = "https://shop.example/check";
    expect(read({ CLAIM_HOOK_URL: url, CLAIM_HOOK_FAILS: "open" })).to.include({
      CLAIM_HOOK_URL: url,
      CLAIM_HOOK_DEADLINE_MS: 300,
    });
    expect(
      read({ CLAIM_HOOK_URL: "http://127.0.0.1:9/x", CLAIM_HOOK_FAILS: "closed" }).CLAIM_HOOK_FAILS,
    ).to.equal("closed");
    expect(errorOf({ CLAIM_HOOK_URL: url }).message).to.match(
      /CLAIM_HOOK_URL needs CLAIM_HOOK_FAILS: open .* or closed/,
    );
    for (const alone of [{ CLAIM_HOOK_FAILS: "open" }, { CLAIM_HOOK_SECRET: "x".repeat(20) }])
      expect(errorOf(alone).message).to.match(/CLAIM_HOOK_URL is required with them/);
  });

  it("a shared limit is short, so that few buckets lie in Redis", () => {
    expect(read({ LIMITS_SHARED: "on", LIMIT_ADDRESS: "100/60" }).LIMIT_ADDRESS).to.equal("100/60");
    expect(read({ LIMIT_ADDRESS: "100/61" }).LIMIT_ADDRESS).to.equal("100/61");
    expect(errorOf({ LIMITS_SHARED: "on", LIMIT_VALIDATE: "100/61" }).message).to.match(
      /SECONDS of LIMIT_VALIDATE must be 60 at most/,
    );
    expect(errorOf({ LIMITS_SHARED: "on", LIMIT_ADDRESS: "100/61" }).message).to.match(
      /LIMITS_SHARED is on, so SECONDS of LIMIT_ADDRESS must be 60 at most/,
    );
  });

  it("warns of durations that contradict each other, by name", () => {
    expect(settingWarnings(read({}))).to.deep.equal([]);
    expect(settingWarnings(read({ ISSUE_DEADLINE_MS: "3000" }))).to.have.length(1);
    expect(settingWarnings(read({ ISSUE_DEADLINE_MS: "3000" }))[0]).to.match(
      /^ISSUE_DEADLINE_MS is 3000, .*COMMIT_DEADLINE_MS/,
    );
    expect(settingWarnings(read({ ISSUE_DEADLINE_MS: "1000", STORE_DEADLINE_MS: "1500" }))).to.have.length(2);
    expect(settingWarnings(read({ COMMIT_STALL_MS: "5000" }))[0]).to.match(
      /^COMMIT_DEADLINE_MS is 4000, .*COMMIT_STALL_MS/,
    );
    expect(settingWarnings(read({ DRAIN_DEADLINE_MS: "300" }))[0]).to.match(
      /^DRAIN_DEADLINE_MS is 300, .*ISSUE_DEADLINE_MS/,
    );
  });

  describe("options of MONGODB_URL that ask for less than the service does", () => {
    const warned = (options: string) =>
      settingWarnings(read({ MONGODB_URL: `mongodb://u:p%40w@a:1,b:2/admin?${options}` }));

    for (const option of [
      "w=1",
      "w=0",
      "w=2",
      "W=1",
      "journal=false",
      "j=false",
      "wtimeoutMS=1",
      "readConcernLevel=local",
      "readConcernLevel=available",
      "readPreference=secondary",
      "readPreference=nearest",
    ]) {
      it(`${option}: one warning names it, without its value`, () => {
        const name = option.split("=")[0];
        expect(warned(option)).to.have.length(1);
        expect(warned(option)[0]).to.match(
          new RegExp(`^MONGODB_URL has ${name}: the service does not follow`),
        );
      });
    }

    it("several: one warning names each once", () => {
      const all =
        "readPreference=secondary&readPreferenceTags=dc:x&readPreferenceTags=&maxStalenessSeconds=90";
      expect(warned(`${all}&w=1&replicaSet=rs0`)).to.have.length(1);
      expect(warned(`${all}&w=1&replicaSet=rs0`)[0]).to.include(
        "MONGODB_URL has readPreference, readPreferenceTags, maxStalenessSeconds, w: ",
      );
    });

    it("none where they ask for the same, or where there are none", () => {
      const same =
        "w=majority&journal=true&readConcernLevel=majority&readPreference=primary&retryWrites=true";
      expect(warned(same)).to.deep.equal([]);
      expect(settingWarnings(read({ MONGODB_URL: "mongodb+srv://h.example" }))).to.deep.equal([]);
    });
  });

  for (const [name, values] of bad) {
    it(`refuses a bad ${name}, naming it and nothing else`, () => {
      for (const value of values) {
        const error = errorOf({ [name]: value });
        expect(error.message, value).to.match(
          new RegExp(`^configuration: ${name}: [^;]+(; ${name}: [^;]+)*$`),
        );
        expect(error.exitCode).to.equal(EXIT.configuration);
      }
    });
  }

  it("names every setting that is wrong at once, and says which are missing", () => {
    const error = errorOf({ REDIS_URL: undefined, MONGODB_URL: "", PORT: "x", LEASE_MS: "1" });
    expect(error.message.split(/: |; /)).to.include.members([
      "REDIS_URL is required",
      "MONGODB_URL is required",
    ]);
    expect(error.message).to.match(/PORT: /);
    expect(error.message).to.match(/LEASE_MS: /);
  });

  it("GRPC_PORT must differ from PORT", () => {
    expect(errorOf({ PORT: "8080", GRPC_PORT: "8080" }).message).to.match(/GRPC_PORT must differ/);
    expect(read({ PORT: "0", GRPC_PORT: "0" }).GRPC_PORT).to.equal(0);
  });

  it("workers share the port of a server: without that role there is one process", () => {
    expect(read({ WORKERS: "64" }).WORKERS).to.equal(64);
    expect(read({ WORKERS: "2", ROLES: "server" }).WORKERS).to.equal(2);
    expect(read({ WORKERS: "1", ROLES: "scheduler" }).WORKERS).to.equal(1);
    const error = errorOf({ WORKERS: "2", ROLES: "scheduler,generator" });
    expect(error.message).to.match(/^configuration: WORKERS .*ROLES$/);
    expect(error.exitCode).to.equal(EXIT.configuration);
  });

  it("without a token it listens to this machine only", () => {
    const token = "a-token-of-some-length";
    for (const HOST of [
      ...[
        "127.0.0.1",
        "127.8.8.8",
        "localhost",
        "::1",
        "LOCALHOST",
        "LocalHost.",
        "0:0:0:0:0:0:0:1",
        "0000::0001",
      ],
      ...["::ffff:127.0.0.1", "::FFFF:7f00:1", "127.1", "0x7f.1", "2130706433", "::1%lo"],
    ])
      expect(read({ HOST }).HOST).to.equal(HOST);
    for (const HOST of [
      "0.0.0.0",
      "::",
      "10.0.0.1",
      "example.com",
      "localhost.example.com",
      "127.evil.example",
      ...[
        "::2",
        "::ffff:10.0.0.1",
        "0",
        "0:0:0:0:0:0:0:0",
        "128.1",
        "1localhost",
        "localhost..",
        "foo.localhost",
      ],
    ]) {
      const error = errorOf({ HOST });
      expect(error.message, HOST).to.include(HOST);
      expect(error.message).to.match(/OPERATOR_TOKEN .*is required/);
      expect(read({ HOST, OPERATOR_TOKEN: token, CLAIM_AUTH: "open" }).OPERATOR_TOKEN).to.equal(token);
    }
  });

  it("beyond loopback no token is needed without the server role: the health pages hold no secret", () => {
    const HOST = "0.0.0.0";
    expect(read({ HOST, ROLES: "scheduler,generator" }).OPERATOR_TOKEN).to.equal(undefined);
    expect(errorOf({ HOST, ROLES: "scheduler,server" }).message).to.match(/OPERATOR_TOKEN .*is required/);
  });

  it("the provider of access tokens needs an audience, and is a credential of operators beyond loopback", () => {
    const issuer = { OPERATOR_OIDC_ISSUER: "https://id.test/realms/shop" };
    const both = { ...issuer, OPERATOR_OIDC_AUDIENCE: "coupons" };
    expect(errorOf(issuer).message).to.match(/OPERATOR_OIDC_ISSUER needs OPERATOR_OIDC_AUDIENCE/);
    expect(errorOf({ OPERATOR_OIDC_AUDIENCE: "coupons" }).message).to.match(/needs OPERATOR_OIDC_ISSUER/);
    expect(read(both)).to.include({
      ...both,
      OPERATOR_OIDC_ROLE_CLAIM: "roles",
      OPERATOR_OIDC_NAME_CLAIM: "sub",
    });
    expect(read({ ...both, HOST: "0.0.0.0", CLAIM_AUTH: "open" }).HOST).to.equal("0.0.0.0");
    expect(read({ OPERATOR_OIDC_ISSUER: "http://127.0.0.1:9", OPERATOR_OIDC_AUDIENCE: "a" })).to.include({
      OPERATOR_OIDC_ISSUER: "http://127.0.0.1:9",
    });
    const roles = "urn:x:ops: operator, Coupon Admins:admin,";
    expect(read({ ...both, OPERATOR_OIDC_ROLES: roles }).OPERATOR_OIDC_ROLES).to.deep.equal([
      { theirs: "urn:x:ops", role: "operator" },
      { theirs: "Coupon Admins", role: "admin" },
    ]);
  });

  describe("of who may claim", () => {
    const signed = { CLAIM_TOKEN_SECRET: "s".repeat(32), CLAIM_TOKEN_AUDIENCE: "coupons" };

    it("open on loopback; beyond it, open only where that is said", () => {
      const beyond = { HOST: "0.0.0.0", OPERATOR_TOKEN: "a-token-of-some-length" };
      expect(read({}).CLAIM_AUTH).to.equal("open");
      expect(errorOf(beyond).message).to.equal(
        "configuration: HOST 0.0.0.0 is reachable from other machines, so CLAIM_AUTH is required: token, key, or open where every caller is trusted",
      );
      expect(read({ ...beyond, CLAIM_AUTH: "open" }).CLAIM_AUTH).to.equal("open");
      expect(read({ ...beyond, CLAIM_AUTH: "token", ...signed }).CLAIM_AUTH).to.equal("token");
      expect(read({ HOST: "0.0.0.0", ROLES: "scheduler" }).CLAIM_AUTH).to.equal("open");
    });

    it("each mode needs what it verifies with, and every token an audience", () => {
      const { CLAIM_TOKEN_SECRET } = signed;
      for (const [env, missing] of [
        [{ CLAIM_AUTH: "token" }, /CLAIM_TOKEN_SECRET \(HS256\) or CLAIM_TOKEN_JWKS/],
        [{ CLAIM_AUTH: "token", CLAIM_TOKEN_AUDIENCE: "coupons" }, /CLAIM_TOKEN_SECRET/],
        [{ CLAIM_AUTH: "token", CLAIM_TOKEN_SECRET }, /need CLAIM_TOKEN_AUDIENCE: /],
        [{ CLAIM_TOKEN_JWKS: "/jwks.json" }, /need CLAIM_TOKEN_AUDIENCE: /],
        [{ CLAIM_AUTH: "key" }, /CLAIM_KEYS is required/],
      ] as const)
        expect(errorOf(env).message).to.match(missing);
      expect(read({ CLAIM_AUTH: "key", CLAIM_KEYS: SHOP_KEY }).CLAIM_AUTH).to.equal("key");
    });

    it("reads several secrets and several keys, with what a file puts between them", () => {
      const secrets = [`${"a".repeat(32)}`, `${"b".repeat(40)}`];
      const read2 = read({ ...signed, CLAIM_TOKEN_SECRET: ` ${secrets.join("\n")}\n` });
      expect(read2.CLAIM_TOKEN_SECRET).to.deep.equal(secrets);
      const keys = read({ CLAIM_KEYS: `${SHOP_KEY},\n app.2:${"f".repeat(64)}\n` }).CLAIM_KEYS;
      expect(keys?.map(({ name }) => name)).to.deep.equal(["shop", "app.2"]);
    });

    it("takes a key set by path, over TLS, or from this machine", () => {
      for (const CLAIM_TOKEN_JWKS of ["/jwks.json", "https://h/jwks?x=1", "http://127.0.0.1:1/jwks"])
        expect(read({ ...signed, CLAIM_TOKEN_JWKS }).CLAIM_TOKEN_JWKS).to.equal(CLAIM_TOKEN_JWKS);
    });

    it("shows names of keys, and no secret", () => {
      const config = read({ ...signed, CLAIM_KEYS: SHOP_KEY });
      const shown = JSON.stringify([redactConfig(config), changedSettings(config)]);
      expect(shown).to.include('"CLAIM_KEYS":["shop"]').and.include('"CLAIM_TOKEN_SECRET":"[redacted]"');
      expect(shown).not.to.match(/s{32}|0{64}/);
    });
  });

  it("PROXY_PROTOCOL needs the proxies that speak it", () => {
    expect(errorOf({ PROXY_PROTOCOL: "on" }).message).to.match(/PROXY_PROTOCOL is on, so TRUST_PROXY must/);
    expect(read({ PROXY_PROTOCOL: "on", TRUST_PROXY: "loopback" }).PROXY_PROTOCOL).to.equal("on");
  });

  it("origins are read as browsers write them, each once", () => {
    expect(read({}).ALLOWED_ORIGINS).to.equal(undefined);
    const given = "HTTPS://Shop.Example:443, http://localhost:5173 https://shop.example,http://[::1]:80";
    const origins = ["https://shop.example", "http://localhost:5173", "http://[::1]"];
    for (const name of ["ALLOWED_ORIGINS", "OPERATOR_ORIGINS"] as const)
      expect(read({ [name]: given })[name]).to.deep.equal(origins);
    expect(read({ ALLOWED_ORIGINS: "https://쿠폰.example" }).ALLOWED_ORIGINS).to.deep.equal([
      "https://xn--2l7bi8e.example",
    ]);
    expect(errorOf({ ALLOWED_ORIGINS: "https://shop.example/" }).message)
      .to.include('ALLOWED_ORIGINS: "https://shop.example/" must be 1 to 50 origins')
      .and.include("without path, final / and *");
  });

  it("TRUST_PROXY is a list of addresses and networks; loopback stands for those of this machine", () => {
    expect(read({}).TRUST_PROXY).to.equal(undefined);
    expect(read({ TRUST_PROXY: "loopback, 10.0.0.0/8  2001:db8::1" }).TRUST_PROXY).to.deep.equal([
      ...["127.0.0.0/8", "::1", "10.0.0.0/8", "2001:db8::1"],
    ]);
  });

  it("EVENT_SINKS_ALLOW is loopback, or a list that need not have it; none is an empty one", () => {
    expect(read({}).EVENT_SINKS_ALLOW).to.deep.equal(["loopback"]);
    expect(
      read({ EVENT_SINKS_ALLOW: "Loopback, 10.0.0.0/8 fd00::/8,CRM.internal" }).EVENT_SINKS_ALLOW,
    ).to.deep.equal(["loopback", "10.0.0.0/8", "fd00::/8", "crm.internal"]);
    expect(read({ EVENT_SINKS_ALLOW: "none" }).EVENT_SINKS_ALLOW).to.deep.equal([]);
  });

  it("HEALTH_PORT has no value of its own where it is not given: then another port may be taken", () => {
    expect(read({ ROLES: "scheduler" }).HEALTH_PORT).to.equal(undefined);
    expect(read({ ROLES: "scheduler", HEALTH_PORT: "8095" }, { HEALTH_PORT: "0" }).HEALTH_PORT).to.equal(0);
  });

  it("a flag that the roles of the process make nothing of is refused by its name; the environment may be for all roles", () => {
    const told = (env: Record<string, string>, flags: Record<string, string>) => errorOf(env, flags).message;
    expect(told({}, { ROLES: "scheduler", PORT: "8081" })).to.match(/PORT \(--port\) is of the server role/);
    expect(told({ ROLES: "generator" }, { GRPC_PORT: "0" })).to.match(
      /GRPC_PORT \(--grpc-port\) .*--health-port/,
    );
    expect(told({ ROLES: "generator" }, { OPERATORS_GRPC_PORT: "0" })).to.match(/--operators-grpc-port/);
    expect(read({}, { HEALTH_PORT: "8095" }).HEALTH_PORT).to.equal(8_095);
    expect(read({ HEALTH_PORT: "8095", PORT: "8081" }).PORT).to.equal(8_081);
    expect(read({ ROLES: "scheduler", PORT: "8081" }).PORT).to.equal(8_081);
  });

  it("never shows a credential in its redacted form (property)", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9!$&*+=._~-]{8,20}$/);
    fc.assert(
      fc.property(word, word, word, (user, password, token) => {
        const config = read({
          REDIS_URL: `redis://${user}:${password}@redis-1:6379,redis://${user}:${password}@redis-2:6379`,
          MONGODB_URL: `mongodb+srv://${user}:${password}@db.example/x?replicaSet=rs`,
          OPERATOR_TOKEN: `${token}${token}`,
        });
        const shown = JSON.stringify(redactConfig(config));
        expect(shown).not.to.include(`${user}:`);
        expect(shown).not.to.include(`:${password}`);
        expect(shown).not.to.include(`${token}${token}`);
        expect(shown).to.include("redis://[redacted]@redis-1:6379,redis://[redacted]@redis-2:6379");
        expect(shown).to.include("mongodb+srv://[redacted]@db.example/x?replicaSet=rs");
      }),
    );
  });

  it("shows what is no secret, and no token where there is none", () => {
    expect(redactConfig(read({}))).to.deep.equal({ ...read({}), OPERATOR_TOKEN: undefined });
  });

  it("tells a person what is not its default, the stores always", () => {
    expect(changedSettings(read({}))).to.deep.equal(BASE);
    expect(changedSettings(read({ PORT: "8081", ROLES: "server", LEASE_MS: "2000" }))).to.deep.equal({
      ...BASE,
      PORT: 8081,
      ROLES: ["server"],
    });
    expect(changedSettings(read({ GRPC_PORT: "7000" }))).to.deep.equal({ ...BASE, GRPC_PORT: 7_000 });
    const secret = read({ OPERATOR_TOKEN: "x".repeat(20), REDIS_URL: "redis://me:secret@redis-1:6379" });
    expect(changedSettings(secret)).to.deep.equal({
      ...BASE,
      REDIS_URL: "redis://[redacted]@redis-1:6379",
      OPERATOR_TOKEN: "[redacted]",
    });
  });
});
