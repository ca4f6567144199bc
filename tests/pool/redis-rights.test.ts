import { expect } from "chai";
import { startRedis } from "../../local/redis-server.ts";
import type { Store } from "../../local/store.ts";
import { connectRedis } from "../../pool/redis.ts";
import { type Link, openLink } from "../../pool/redis-link.ts";
import { checkRights } from "../../pool/redis-rights.ts";
import { parseRedisUrls } from "../../pool/redis-url.ts";
import { scriptText } from "../../pool/script.ts";
import { UserError } from "../../runtime/user-error.ts";
import { loadedPool } from "../support/loaded-pool.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { HANG_MS } from "../support/patience.ts";
import { silentLogger } from "../support/shared-stores.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

/** Before a script: it runs as it is, on a Redis whose INFO has another value where a field matches. */
const retelling = (field: string, value: string) =>
  `local redis = setmetatable({ call = function(name, ...)
    local reply = redis.call(name, ...)
    return name == 'INFO' and (string.gsub(reply, '${field}:%x+', '${field}:${value}')) or reply
  end }, { __index = redis })`;

describe("Redis at the start: what it refuses and what it does not tell", () => {
  let own: OwnRedis;

  before(async () => {
    own = await ownRedis();
  });

  after(() => own.close());

  const withScript = async (name: string, before: string, keys: readonly string[]): Promise<unknown> => {
    const [shebang, ...rest] = scriptText(name).split("\n");
    const text = [shebang, before, ...rest].join("\n");
    return own.raw.sendCommand(["EVAL", text, String(keys.length), ...keys]);
  };

  /** A link to a real Redis, where the script `rights` sees another INFO. */
  async function refusalWhere(field: string, value: string): Promise<unknown> {
    const address = parseRedisUrls(own.store.url);
    const link = await openLink({ address, kind: "server", withinMs: HANG_MS });
    const retold: Link = { ...link, run: (name, keys) => withScript(name, retelling(field, value), keys) };
    try {
      return await checkRights(retold, "server", address, { tag: "told", withinMs: HANG_MS }).catch(
        (error: unknown) => error,
      );
    } finally {
      link.destroy();
    }
  }

  for (const field of ["run_id", "master_replid"]) {
    it(`INFO that hides or rewrites ${field} is refused in a sentence`, async () => {
      for (const value of ["", "hidden", "0", "0".repeat(40), "1234abcd"]) {
        const refused = await refusalWhere(field, value);
        expect(refused).to.be.instanceOf(UserError);
        expect(String(refused))
          .to.match(new RegExp(`configuration: REDIS_URL: INFO .* does not tell ${field}, `))
          .and.to.include("+info");
      }
    });

    it(`a script says so where ${field} is hidden later, and not that it concatenated nothing`, async () => {
      const { campaignId } = await loadedPool(own.pool);
      const said = await withScript("fence", retelling(field, ""), [`cp:{${campaignId}}:probe`]).catch(
        String,
      );
      expect(said).to.match(/INFO of this Redis tells no run_id or no master_replid/);
    });
  }

  it("an INFO that is told is accepted, and the tried keys are gone", async () => {
    expect(await refusalWhere("no_field", "")).to.equal(undefined);
    expect(await own.raw.sendCommand(["EXISTS", "cp:{told}:meta", "cp:{told}:probe"])).to.equal(0);
  });

  describe("a Redis that does not know a command", () => {
    const dir = temporaryDir();
    let store: Store;

    before(async () => {
      store = await startRedis({ dir: dir.path, args: ["--rename-command", "HSETNX", ""] });
    });

    after(async () => {
      await store.stop();
      dir.remove();
    });

    it("is refused at the start, with its own words", async () => {
      const refused = await connectRedis({
        url: store.url,
        connectWithinMs: HANG_MS,
        logger: silentLogger,
      }).then(
        (redis) => redis.close(),
        (error: unknown) => error,
      );
      expect(refused).to.be.instanceOf(UserError);
      expect(String(refused)).to.match(/REDIS_URL: this Redis cannot be used: it refuses hsetnx \(ERR .*\)/);
    });
  });
});
