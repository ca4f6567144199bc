import { expect } from "chai";
import { BSON, type Document } from "mongodb";
import { bodyOf, messageOf } from "../../local/wire-message.mjs";
import { withJournaledMajority } from "../../local/write-concern.mjs";

const EVERY_TYPE = {
  double: 1.5,
  text: "한글",
  nested: { writeConcern: { w: "majority" } },
  list: [1, "two"],
  binary: new BSON.Binary(Buffer.from("bytes")),
  id: new BSON.ObjectId(),
  truth: true,
  date: new Date(0),
  nothing: null,
  pattern: /a+/i,
  code: new BSON.Code("return 1", { x: 1 }),
  symbol: new BSON.BSONSymbol("s"),
  int: 1,
  time: new BSON.Timestamp({ t: 1, i: 2 }),
  long: BSON.Long.fromString("9007199254740993"),
  decimal: new BSON.Decimal128("1.10"),
  least: new BSON.MinKey(),
  most: new BSON.MaxKey(),
};

describe("The write concern that the embedded engine gets to see", () => {
  const seen = (command: Document, afterBody: Buffer = Buffer.alloc(0)) => {
    const message = Buffer.concat([
      messageOf(Buffer.from(BSON.serialize(command)), { id: 7, responseTo: 0 }),
      afterBody,
    ]);
    message.writeInt32LE(message.length, 0);
    const changed = withJournaledMajority(message);
    expect(changed.readInt32LE(0)).to.equal(changed.length);
    const body = bodyOf(changed);
    if (body === undefined) throw new Error("it has no body any more");
    expect(changed.subarray(body.end).equals(afterBody)).to.equal(true);
    return BSON.deserialize(changed.subarray(body.start, body.end), { promoteValues: false });
  };
  const plain = (command: Document) => BSON.deserialize(BSON.serialize(command), { promoteValues: false });
  const concernSeen = (command: Document) => BSON.EJSON.serialize(seen(command)["writeConcern"]) as Document;

  it("spells a majority as one journaled member", () => {
    const insert = { insert: "c", documents: [{ _id: 1 }] };
    for (const concern of [
      { w: "majority", j: true },
      { w: "majority" },
      { j: true },
      {},
      { w: "majority", wtimeout: 5 },
    ]) {
      expect(concernSeen({ ...insert, writeConcern: concern, $db: "d" })).to.deep.equal({ w: 1, j: true });
    }
    expect(concernSeen({ ...insert, writeConcern: { w: "majority", j: false } })).to.deep.equal({
      w: 1,
      j: false,
    });
  });

  it("leaves every other concern as it is", () => {
    for (const concern of [{ w: 1 }, { w: 0 }, { w: 1, j: true }, { w: 2 }, { w: "tag" }]) {
      const insert = { insert: "c", writeConcern: concern, $db: "d" };
      expect(seen(insert)).to.deep.equal(plain(insert));
    }
  });

  it("gives a write that names none what a replica set gives it, and a read nothing", () => {
    for (const command of ["insert", "update", "delete", "findAndModify", "bulkWrite"]) {
      expect(concernSeen({ [command]: "c", $db: "d" })).to.deep.equal({ w: 1, j: true });
    }
    for (const command of [{ find: "c", $db: "d" }, { hello: 1 }]) {
      expect(seen(command)).to.deep.equal(plain(command));
    }
  });

  it("changes nothing else, whatever stands before or after it", () => {
    const { nested, ...rest } = EVERY_TYPE;
    const command = { insert: "c", ...rest, nested, writeConcern: { w: "majority" }, last: "one" };
    const documents = Buffer.from("0100000000", "hex"); // in the place of a section of documents
    const { writeConcern, ...others } = seen(command, documents);
    const { writeConcern: _, ...expected } = plain(command);
    expect(BSON.EJSON.stringify(others)).to.equal(BSON.EJSON.stringify(expected));
    expect(BSON.EJSON.serialize(writeConcern)).to.deep.equal({ w: 1, j: true });
  });

  it("refuses a body that is no document", () => {
    const message = messageOf(Buffer.from(BSON.serialize({ insert: "c", text: "abc" })), {
      id: 1,
      responseTo: 0,
    });
    const textLength = message.indexOf("text\0") + 5;
    for (const length of [-1, 1_000_000]) {
      message.writeInt32LE(length, textLength);
      expect(() => withJournaledMajority(message)).to.throw(BSON.BSONError);
    }
  });
});
