import { expect } from "chai";
import { MongoClient } from "mongodb";
import { connectRecord } from "../../audit/stores/read-mongodb.ts";
import { connectMongo } from "../../record/mongo.ts";
import { createMongoFacts } from "../../record/mongo-facts.ts";
import { StoreDenial } from "../../runtime/store-denial.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";
import { type MongosPlan, type MongosStandIn, startMongos } from "../support/mongos.ts";
import { sharedStack } from "../support/shared-stores.ts";
import { withStores } from "../support/with-stores.ts";

const UNAUTHORIZED = { code: 13, codeName: "Unauthorized" };
const GONE = { code: 59, codeName: "CommandNotFound" };

describe("record: a sharded cluster", () => {
  const stores = withStores();
  const started: MongosStandIn[] = [];
  afterEach(async () => {
    for (const mongos of started.splice(0)) await mongos.close();
  });

  async function mongosWith(plan: MongosPlan): Promise<MongosStandIn> {
    const mongos = await startMongos((await sharedStack()).mongodb, plan);
    started.push(mongos);
    return mongos;
  }

  const database = () => stores.env.MONGODB_DATABASE;

  /** Connects as the service does; resolves to the error that ends the start, or to undefined. */
  async function startOn(plan: MongosPlan, options = ""): Promise<UserError | undefined> {
    const { url } = await mongosWith(plan);
    try {
      const { client } = await connectMongo({
        ...{ url: `${url}${options}`, database: database(), connectWithinMs: 60_000, operationMs: 5_000 },
      });
      await client.close();
      return undefined;
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  /** As `coupon verify` and the audit by itself do. */
  async function auditOn(plan: MongosPlan): Promise<unknown> {
    const { url } = await mongosWith(plan);
    try {
      const { client } = await connectRecord(url, database());
      await client.close();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  for (const options of ["", "?directConnection=true"]) {
    for (const name of ["campaigns", "coupons", "issuances"])
      it(`that has sharded ${name} ends the start, with what to do (URL ${options || "without options"})`, async () => {
        const error = await startOn({ sharded: [name] }, options);
        expect(error?.exitCode).to.equal(EXIT.configuration);
        expect(error?.message).to.match(
          new RegExp(`has sharded ${database()}\\.${name}: over several shards .*unshardCollection`),
        );
      });

    it(`that has sharded none of ours is taken, whatever else is (URL ${options || "without options"})`, async () => {
      expect(await startOn({ sharded: ["history", "of-another-application"] }, options)).to.equal(undefined);
    });
  }

  it("names all that are sharded", async () => {
    const error = await startOn({ sharded: ["issuances", "coupons"] });
    expect(error?.message).to.include(`${database()}.coupons and ${database()}.issuances: `);
  });

  for (const statsFail of [UNAUTHORIZED, GONE]) {
    it(`reads config.collections where collStats is refused (${statsFail.codeName})`, async () => {
      expect((await startOn({ statsFail, sharded: ["coupons"] }))?.message).to.match(
        /has sharded .*\.coupons:/,
      );
      expect(await startOn({ statsFail })).to.equal(undefined);
    });
  }

  it("that tells neither ends the start, and names the right", async () => {
    const error = await startOn({ statsFail: UNAUTHORIZED, configFails: UNAUTHORIZED });
    expect(error?.exitCode).to.equal(EXIT.configuration);
    expect(error?.message).to.match(/cannot be read whether .* grant the user of MONGODB_URL collStats on/);
  });

  it("is not audited, either", async () => {
    const denial = await auditOn({ sharded: ["coupons"] });
    expect(denial).to.be.instanceOf(StoreDenial);
    expect(String(denial)).to.match(/has sharded .*\.coupons: .* no audit can vouch for it/);
    expect(String(await auditOn({ statsFail: UNAUTHORIZED }))).to.match(
      /may not read whether .* grant its user collStats/,
    );
    expect(await auditOn({ sharded: ["history"] })).to.equal(undefined);
  });

  it("is told by preflight, and asked of a mongos only", async () => {
    for (const [plan, sharded] of [
      [{ sharded: ["issuances"] }, [`${database()}.issuances`]],
      [{}, []],
      [{ statsFail: UNAUTHORIZED, configFails: UNAUTHORIZED }, undefined],
    ] as const) {
      const { url, asked } = await mongosWith(plan);
      const client = new MongoClient(url);
      try {
        expect(await createMongoFacts(client.db(database())).deployment()).to.deep.equal({
          kind: "mongos",
          sharded,
        });
        expect([...asked]).to.include(`${database()}.collStats`);
      } finally {
        await client.close();
      }
    }
  });
});
