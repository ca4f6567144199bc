import { expect } from "chai";
import { Webhook } from "standardwebhooks";
import {
  newWebhookSecret,
  rotatedSecrets,
  validSecrets,
  webhookSecretTrouble,
} from "../../../events/sinks/webhook-secrets.ts";

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const at = (ms: number) => new Date(NOW_MS + ms);

describe("secrets of webhooks", () => {
  it("a new one is one that the library takes, and each is another", () => {
    const made = Array.from({ length: 20 }, newWebhookSecret);
    expect(new Set(made).size).to.equal(20);
    for (const secret of made) {
      expect(webhookSecretTrouble(secret)).to.equal(undefined);
      expect(() => new Webhook(secret)).not.to.throw();
    }
  });

  const encoded = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString("base64")}`;
  for (const bad of [
    ...["", "whsec_", "whsec", encoded(23), encoded(65), encoded(24).slice(6), `${encoded(24)}=`],
    ...[`whsec_${"?".repeat(32)}`, ` ${encoded(24)}`, `${encoded(32)}\n`],
  ])
    it(`none: ${JSON.stringify(bad)}`, () => {
      expect(webhookSecretTrouble(bad)).to.match(/^must be whsec_ and the base64 of 24 to 64 random bytes$/);
    });
  it("from 24 bytes to 64", () => {
    expect([encoded(24), encoded(64)].map(webhookSecretTrouble)).to.deep.equal([undefined, undefined]);
  });

  it("an old one signs beside the new one until the overlap is over, never longer than it was to", () => {
    const first = [{ secret: "a" }];
    const second = rotatedSecrets(first, "b", { nowMs: NOW_MS, overlapMs: HOUR_MS });
    expect(second).to.deep.equal([{ secret: "b" }, { secret: "a", until: at(HOUR_MS) }]);
    const third = rotatedSecrets(second, "c", { nowMs: NOW_MS + 1_000, overlapMs: HOUR_MS * 2 });
    expect(third).to.deep.equal([
      { secret: "c" },
      { secret: "b", until: at(1_000 + HOUR_MS * 2) },
      { secret: "a", until: at(HOUR_MS) },
    ]);
    const namesAt = (ms: number) => validSecrets(third, NOW_MS + ms).map(({ secret }) => secret);
    expect(namesAt(HOUR_MS - 1)).to.deep.equal(["c", "b", "a"]);
    expect(namesAt(HOUR_MS)).to.deep.equal(["c", "b"]);
    expect(namesAt(HOUR_MS * 24)).to.deep.equal(["c"]);
  });

  it("without an overlap the old ones are gone at once; the same one again is kept once; five at most", () => {
    const now = { nowMs: NOW_MS, overlapMs: 0 };
    expect(rotatedSecrets([{ secret: "a" }], "b", now)).to.deep.equal([{ secret: "b" }]);
    expect(rotatedSecrets([{ secret: "a" }], "a", { ...now, overlapMs: 5 })).to.deep.equal([{ secret: "a" }]);
    let all = [{ secret: "0" }];
    for (let i = 1; i < 9; i++) all = rotatedSecrets(all, String(i), { ...now, overlapMs: HOUR_MS });
    expect(all.map(({ secret }) => secret)).to.deep.equal(["8", "7", "6", "5", "4"]);
  });
});
