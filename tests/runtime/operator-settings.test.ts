import { expect } from "chai";
import { changedSettings, readConfig, redactConfig } from "../../runtime/config.ts";
import { operatorKeyLine } from "../../runtime/operator-settings.ts";
import { redactorOf } from "../../runtime/redactor.ts";

const STORES = { REDIS_URL: "redis://127.0.0.1:6379", MONGODB_URL: "mongodb://127.0.0.1:27017" };
const read = (OPERATOR_KEYS: string, more: Record<string, string> = {}) =>
  readConfig({ ...STORES, OPERATOR_KEYS, ...more });
const line = (name: string, role: "viewer" | "operator" | "admin", key = `${name}-${role}`) =>
  operatorKeyLine(name, role, key);

describe("OPERATOR_KEYS", () => {
  it("takes several keys, with commas, blanks or line ends between them", () => {
    const text = `${line("kim", "admin")},${line("lee@ops", "viewer")}\n ${line("ci.deploy_1", "operator")}\n`;
    const keys = read(text).OPERATOR_KEYS ?? [];
    expect(keys.map(({ name, role }) => `${name} ${role}`)).to.deep.equal([
      "kim admin",
      "lee@ops viewer",
      "ci.deploy_1 operator",
    ]);
  });

  it("a name may have a second key, so that the first can be replaced while it is in use", () => {
    expect(read(`${line("kim", "admin", "a")} ${line("kim", "admin", "b")}`).OPERATOR_KEYS).to.have.length(2);
  });

  it("lets a service face the network, as the token does", () => {
    expect(read(line("kim", "admin"), { HOST: "0.0.0.0", CLAIM_AUTH: "open" }).HOST).to.equal("0.0.0.0");
  });

  const hash = line("kim", "admin").split(":")[2] ?? "";
  const wrong: Record<string, string> = {
    "no hash": "kim:admin",
    "the key instead of its hash": "kim:admin:hunter2-hunter2-hunter2",
    "an unknown role": `kim:root:${hash}`,
    "a hash in capitals": `kim:admin:${hash.toUpperCase()}`,
    "the name of the scheduler": `scheduler:admin:${hash}`,
    "the name of the key that a service makes": `local:admin:${hash}`,
    "the name of the token": `Operator:admin:${hash}`,
    "a name with a parenthesis": `kim(x):admin:${hash}`,
    "no name": `:admin:${hash}`,
    "only commas": ",,",
    "the same key twice": `kim:admin:${hash} lee:admin:${hash}`,
    "two roles for one name": `${line("kim", "admin")} ${line("kim", "viewer")}`,
  };
  for (const [what, text] of Object.entries(wrong)) {
    it(`refuses ${what}, and repeats nothing of it`, () => {
      expect(() => read(text))
        .to.throw(/configuration: OPERATOR_KEYS: (must|has)/)
        .with.property("message")
        .that.does.not.include("hunter2")
        .and.does.not.include(hash);
    });
  }

  it("log lines and errors show the names and roles, no hash", () => {
    const text = line("kim", "admin");
    const config = read(text);
    expect(redactConfig(config)["OPERATOR_KEYS"]).to.deep.equal(["kim:admin"]);
    expect(JSON.stringify(changedSettings(config))).not.to.include(hash);
    expect(redactorOf({ OPERATOR_KEYS: text })(`wrong: ${text}`)).not.to.include(hash);
  });
});
