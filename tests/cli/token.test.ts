import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createAuthenticate } from "../../access/authenticate.ts";
import { systemClock } from "../../runtime/clock.ts";
import { runCli } from "../support/run-cli.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

const SECRET = "a-secret-of-the-shop-0123456789-abcdefgh";
const CAMPAIGN = "01JZ0000000000000000000000";

describe("coupon token issue", () => {
  const dir = temporaryDir();
  after(() => dir.remove());
  const rules = { audience: "coupons", issuer: undefined, skewMs: 0 };
  const { authenticate } = createAuthenticate(
    { keys: [], tokens: { secrets: ["x".repeat(32), SECRET], jwks: undefined, ...rules } },
    { clock: systemClock, logger: silentLogger },
  );
  const principalOf = (token: string) => authenticate(`Bearer ${token.trim()}`);

  it("makes a token that the service accepts, with the settings of the service or its own options", async () => {
    const file = join(dir.path, "secret");
    writeFileSync(file, `${SECRET}\nthe-secret-before-it-0123456789-abcdefgh\n`, { mode: 0o600 });
    const byOptions = ["--secret-file", file, "--audience", "coupons", "--campaign", CAMPAIGN];
    const one = await runCli(["token", "issue", "--user", "alice", ...byOptions]);
    expect(one.code, one.stderr).to.equal(0);
    expect(principalOf(one.stdout)).to.deep.equal({ kind: "token", userId: "alice", campaignId: CAMPAIGN });
    const env = { CLAIM_TOKEN_SECRET: SECRET, CLAIM_TOKEN_AUDIENCE: "coupons" };
    const other = await runCli(["token", "issue", "--user", "한글", "--json"], { env });
    expect(principalOf(JSON.parse(other.stdout).token)).to.deep.equal({
      ...{ kind: "token", userId: "한글", campaignId: undefined },
    });
    const late = await runCli(["token", "issue", "--user", "a", "--expires", "2026-01-01T00:00:00Z"], {
      env,
    });
    expect(principalOf(late.stdout)).to.deep.equal({ kind: "none", why: "the token has expired" });
  });

  it("says what is missing, and never the secret", async () => {
    const wrong: [args: string[], env: Record<string, string>, said: RegExp][] = [
      [["--user", "a"], {}, /the secret that tokens are signed with is missing/],
      [["--user", "a"], { CLAIM_TOKEN_SECRET: SECRET }, /the audience of the token is missing/],
      [["--user", "a", "--secret-file", "/nowhere"], {}, /file of the secret cannot be read \(ENOENT\)/],
      [
        ["--user", "a", "--expires", "soon"],
        { CLAIM_TOKEN_SECRET: SECRET, CLAIM_TOKEN_AUDIENCE: "c" },
        /--expires/,
      ],
      [[], { CLAIM_TOKEN_SECRET: SECRET }, /--user is missing/],
    ];
    for (const [args, env, said] of wrong) {
      const { code, stdout, stderr } = await runCli(["token", "issue", ...args], { env });
      expect([code, stdout]).to.deep.equal([2, ""]);
      expect(stderr).to.match(said).and.not.include(SECRET);
    }
  });
});
