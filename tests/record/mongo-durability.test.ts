import { expect } from "chai";
import { connectRecord } from "../../audit/stores/read-mongodb.ts";
import { connectMongo } from "../../record/mongo.ts";
import { withStores } from "../support/with-stores.ts";

/** What an operator may have in its URL, and what would make a coupon that was answered be lost. */
const WEAKER = [
  "w=1",
  "w=0",
  "journal=false",
  "j=false",
  "readConcernLevel=local",
  "readConcernLevel=available",
  "readPreference=secondary",
  "readPreference=secondaryPreferred&maxStalenessSeconds=90",
  "readPreference=nearest&readPreferenceTags=dc:east",
  "retryWrites=true",
  "wtimeoutMS=1",
  "readConcernLevel=local&journal=false&w=1&readPreference=nearest",
];

describe("the durability of the record", () => {
  const stores = withStores();
  const urlWith = (options: string) => {
    const url = stores.env.MONGODB_URL;
    return `${url}${url.includes("?") ? "&" : url.endsWith("/") ? "?" : "/?"}${options}`;
  };
  const database = () => stores.env.MONGODB_DATABASE;

  for (const options of WEAKER)
    it(`is not weakened by ${options}`, async () => {
      const { client, db } = await connectMongo({
        ...{ url: urlWith(options), database: database(), connectWithinMs: 60_000, operationMs: 5_000 },
      });
      try {
        const issuances = db.collection("issuances");
        for (const { readConcern, writeConcern, readPreference } of [db, issuances]) {
          expect(readConcern?.level).to.equal("majority");
          expect([writeConcern?.w, writeConcern?.journal, writeConcern?.wtimeoutMS]).to.deep.equal([
            "majority",
            true,
            5_000,
          ]);
          expect([readPreference?.mode, readPreference?.tags]).to.deep.equal(["primary", undefined]);
        }
        expect(client.options.retryWrites).to.equal(false);
      } finally {
        await client.close();
      }
    });

  for (const options of WEAKER)
    it(`is judged by what a majority holds, also with ${options}`, async () => {
      const { client, db } = await connectRecord(urlWith(options), database());
      try {
        expect([db.readConcern?.level, db.readPreference?.mode]).to.deep.equal(["majority", "primary"]);
      } finally {
        await client.close();
      }
    });
});
