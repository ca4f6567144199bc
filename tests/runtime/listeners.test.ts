import { expect } from "chai";
import { readConfig } from "../../runtime/config.ts";
import { frontsOf, healthListenerOf, listenersOf } from "../../runtime/listeners.ts";
import { UserError } from "../../runtime/user-error.ts";

const STORES = { REDIS_URL: "redis://h", MONGODB_URL: "mongodb://h" };
const TOKEN = "a-token-of-some-length";
type Env = Readonly<Record<string, string>>;

const read = (env: Env) => readConfig({ ...STORES, ...env });

/** As in `http 127.0.0.1:8080 public operators pages`. */
function told(env: Env): string[] {
  const config = read(env);
  const health = healthListenerOf(config);
  return [
    ...frontsOf(config).flatMap(({ parts, http, grpc }) =>
      [http, grpc].flatMap((at) => (at ? [`${at.name} ${at.host}:${at.port} ${parts.join(" ")}`] : [])),
    ),
    ...(health === undefined ? [] : [`health ${health.host}:${health.port} pages`]),
  ];
}

describe("where a process with the server role listens", () => {
  const rows: readonly [what: string, env: Env, listeners: string[]][] = [
    [
      "a laptop: everything on one port, and gRPC beside it",
      {},
      ["http 127.0.0.1:8080 public operators pages", "grpc 127.0.0.1:9080 public operators pages"],
    ],
    [
      "operators apart: without gRPC unless it has a port",
      { OPERATORS_PORT: "8081" },
      [
        ...["http 127.0.0.1:8080 public pages", "grpc 127.0.0.1:9080 public pages"],
        "operators 127.0.0.1:8081 operators",
      ],
    ],
    [
      "three listeners, each with an address of its own",
      {
        ...{ HOST: "0.0.0.0", CLAIM_AUTH: "open", GRPC_PORT: "off", OPERATOR_TOKEN: TOKEN },
        ...{ OPERATORS_HOST: "10.0.0.1", OPERATORS_PORT: "8081", OPERATORS_GRPC_PORT: "9081" },
        ...{ HEALTH_HOST: "127.0.0.1", HEALTH_PORT: "8090" },
      },
      [
        ...["http 0.0.0.0:8080 public", "operators 10.0.0.1:8081 operators"],
        ...["operatorsGrpc 10.0.0.1:9081 operators", "health 127.0.0.1:8090 pages"],
      ],
    ],
    [
      "the public part alone",
      { OPERATORS_PORT: "off" },
      ["http 127.0.0.1:8080 public pages", "grpc 127.0.0.1:9080 public pages"],
    ],
    [
      "operators alone: the pages are with them",
      { PORT: "off", OPERATORS_PORT: "8081" },
      ["operators 127.0.0.1:8081 operators pages"],
    ],
    [
      "TLS: both protocols on one port",
      { TLS_CERT_FILE: "/tls.crt", TLS_KEY_FILE: "/tls.key", OPERATORS_PORT: "8081" },
      ["http 127.0.0.1:8080 public pages", "operators 127.0.0.1:8081 operators"],
    ],
    ["no pages", { HEALTH_PORT: "off", GRPC_PORT: "off" }, ["http 127.0.0.1:8080 public operators"]],
    [
      "one port number at two addresses",
      { GRPC_PORT: "off", OPERATORS_HOST: "127.0.0.2", OPERATORS_PORT: "8080" },
      ["http 127.0.0.1:8080 public pages", "operators 127.0.0.2:8080 operators"],
    ],
  ];
  for (const [what, env, listeners] of rows) {
    it(what, () => {
      expect(told(env)).to.deep.equal(listeners);
      expect(listenersOf(read(env)).length).to.equal(listeners.length);
    });
  }

  const wrong: readonly [env: Env, said: RegExp][] = [
    [{ PORT: "off" }, /^PORT is off, so OPERATORS_PORT must be a port/],
    [{ PORT: "off", OPERATORS_PORT: "off" }, /^PORT is off, so OPERATORS_PORT must be a port/],
    [{ PORT: "off", OPERATORS_PORT: "8081", GRPC_PORT: "9080" }, /^PORT is off, so GRPC_PORT must be off/],
    [{ OPERATORS_GRPC_PORT: "9081" }, /^OPERATORS_GRPC_PORT needs OPERATORS_PORT/],
    [{ TLS_CERT_FILE: "/tls.crt" }, /^TLS_CERT_FILE and TLS_KEY_FILE belong together/],
    [
      { OPERATORS_CLIENT_CA_FILE: "/ca.crt", OPERATORS_PORT: "8081" },
      /^OPERATORS_CLIENT_CA_FILE needs TLS_CERT_FILE/,
    ],
    [
      { OPERATORS_CLIENT_CA_FILE: "/ca.crt", TLS_CERT_FILE: "/tls.crt", TLS_KEY_FILE: "/tls.key" },
      /^OPERATORS_CLIENT_CA_FILE needs OPERATORS_PORT/,
    ],
    [{ OPERATORS_HOST: "127.0.0.2" }, /^OPERATORS_HOST needs OPERATORS_PORT/],
    [{ OPERATORS_PORT: "8080" }, /^OPERATORS_PORT must differ from PORT \(8080\)$/],
    [{ OPERATORS_PORT: "9080" }, /^OPERATORS_PORT must differ from GRPC_PORT \(9080\)$/],
    [{ HEALTH_PORT: "8080" }, /^HEALTH_PORT must differ from PORT/],
    [
      { HOST: "0.0.0.0", CLAIM_AUTH: "open", OPERATORS_HOST: "127.0.0.1", OPERATORS_PORT: "8080" },
      /^OPERATORS_PORT must differ from PORT/,
    ],
    [
      { OPERATORS_HOST: "10.0.0.1", OPERATORS_PORT: "8081" },
      /^OPERATORS_HOST 10\.0\.0\.1 is reachable .*OPERATOR_KEYS/,
    ],
    [{ HOST: "10.0.0.1", OPERATORS_PORT: "off" }, /^HOST 10\.0\.0\.1 is reachable .*CLAIM_AUTH is required/],
  ];
  for (const [env, said] of wrong) {
    it(`${JSON.stringify(env)} is refused`, () => {
      let trouble: unknown;
      try {
        read(env);
      } catch (error) {
        trouble = error;
      }
      expect(trouble).to.be.instanceOf(UserError);
      expect((trouble as UserError).message.replace("configuration: ", "")).to.match(said);
    });
  }

  it("credentials of operators are needed where operators are served, and nowhere else", () => {
    read({ HOST: "0.0.0.0", CLAIM_AUTH: "open", OPERATORS_HOST: "127.0.0.1", OPERATORS_PORT: "8081" });
    read({ HOST: "0.0.0.0", CLAIM_AUTH: "open", OPERATORS_PORT: "off" });
  });

  it("without the server role only the health pages have a port: others are not compared with it", () => {
    expect(read({ ROLES: "scheduler", HEALTH_PORT: "8080" }).HEALTH_PORT).to.equal(8_080);
  });
});
