import { expect } from "chai";
import fc from "fast-check";
import { type Config, changedSettings, readConfig, redactConfig } from "../../runtime/config.ts";
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

describe("configuration", () => {
  it("needs the stores only, and has a default for everything else", () => {
    expect(read({})).to.deep.include({
      ...BASE,
      MONGODB_DATABASE: "coupons",
      HOST: "127.0.0.1",
      PORT: 8080,
      GRPC_PORT: 9080,
      ROLES: ["server", "scheduler", "generator"],
      WORKERS: 1,
      LOG_LEVEL: "info",
      LOG_FORMAT: "json",
      CLAIM_BATCH_MAX: 256,
      CLAIM_QUEUE_MAX: 20_000,
      COMMITS_IN_FLIGHT_MAX: 4,
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

  const bad: [name: string, values: string[]][] = [
    ["REDIS_URL", ["http://x", "127.0.0.1:6379", "redis://a,http://b"]],
    ["MONGODB_URL", ["http://x", "127.0.0.1", "mysql://x"]],
    ["MONGODB_DATABASE", ["a b", "x".repeat(61), "a.b", "$x", "a/b"]],
    ["PORT", ["-1", "65536", "8080.5", "http"]],
    ["GRPC_PORT", ["-1", "65536", "x"]],
    ["ROLES", ["sever", "server,", "server scheduler", ","]],
    ["WORKERS", ["0", "65", "-1", "1.5", "two", "1e1"]],
    ["OPERATOR_TOKEN", ["short", "x".repeat(15)]],
    ["LOG_LEVEL", ["loud", "INFO"]],
    ["LOG_FORMAT", ["xml"]],
    ["CLAIM_BATCH_MAX", ["0", "1001", "many"]],
    ["CLAIM_QUEUE_MAX", ["0", "1000001"]],
    ["COMMITS_IN_FLIGHT_MAX", ["0", "65"]],
    ["ISSUE_DEADLINE_MS", ["99", "60001", "5s"]],
    ["STORE_DEADLINE_MS", ["99", "60001"]],
    ["COMMIT_DEADLINE_MS", ["99", "60001"]],
    ["COMMIT_STALL_MS", ["49", "60001"]],
    ["LEASE_MS", ["999", "600001"]],
    ["SWEEP_AFTER_MS", ["99", "60001"]],
    ["START_DEADLINE_MS", ["99", "600001"]],
    ["DRAIN_DEADLINE_MS", ["99", "600001", "1.5"]],
  ];
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
    const token = "a token of some length";
    for (const HOST of ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
      expect(read({ HOST }).HOST).to.equal(HOST);
    for (const HOST of [
      "0.0.0.0",
      "::",
      "10.0.0.1",
      "example.com",
      "localhost.example.com",
      "127.evil.example",
    ]) {
      const error = errorOf({ HOST });
      expect(error.message, HOST).to.include(HOST);
      expect(error.message).to.match(/OPERATOR_TOKEN .*is required/);
      expect(read({ HOST, OPERATOR_TOKEN: token }).OPERATOR_TOKEN).to.equal(token);
    }
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
