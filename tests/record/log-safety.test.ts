import { expect } from "chai";
import type { IssuanceDoc } from "../../record/documents.ts";
import { createIssuances } from "../../record/issuances.ts";
import { createLogger } from "../../runtime/logger.ts";
import { withStores } from "../support/with-stores.ts";

/**
 * MongoDB quotes a refused document in the message of the error and in its parts: none of it may reach a log.
 */
describe("errors of MongoDB in a log", () => {
  const stores = withStores();

  const doc = (code: string, claimKey: string): IssuanceDoc => ({
    _id: code,
    campaignId: "campaign-1",
    claimKey,
    userId: "이 아무개",
    generation: 1,
    seq: 1,
    issuedAt: new Date(1),
  });

  async function errorOf(call: Promise<unknown>): Promise<Error> {
    try {
      await call;
    } catch (error) {
      if (error instanceof Error) return error;
    }
    throw new Error("it did not fail");
  }

  for (const format of ["json", "text"] as const) {
    it(`as ${format}: neither code nor person, but what went wrong and where`, async () => {
      const issuances = createIssuances(stores.db);
      await issuances.insert([doc("가나다라마바1234", "정 } 아무개")]);
      const broken = Object.assign(doc("사아자차카타5678", "김 아무개"), { generation: [1, 2], seq: [1, 2] });
      const mixed = [doc("파하거너더러9012", "정 } 아무개"), broken as unknown as IssuanceDoc];
      const one = doc("가나다라마바1234", "박 아무개");
      const errors = [
        await errorOf(issuances.insert(mixed)),
        await errorOf(stores.db.collection<IssuanceDoc>("issuances").insertOne(one)),
        await errorOf(
          stores.db
            .collection<IssuanceDoc>("issuances")
            .insertOne({ ...one, _id: "다른1" })
            .then(() => stores.db.collection<IssuanceDoc>("issuances").insertOne({ ...one, _id: "다른2" })),
        ),
      ];
      const lines: string[] = [];
      const logger = createLogger({
        level: "info",
        format,
        destination: { write: (line: string) => void lines.push(line) },
      });
      for (const err of errors) logger.error({ err, batch: 2 }, "committing failed");
      expect(lines).to.have.length(errors.length);
      for (const line of lines) {
        expect(line).not.to.match(/가나다라|사아자차|파하거너|다른|아무개/);
        expect(line).to.match(/E11000|parallel arrays/);
        expect(line).to.include("batch");
      }
      await stores.db.collection("issuances").deleteMany({});
    });
  }
});
