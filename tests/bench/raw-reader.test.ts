import { expect } from "chai";
import { followEnvelopes } from "../../bench/load/raw-reader.ts";
import { checkCodes } from "../../bench/rates/reading.ts";

const envelope = (flags: number, body: string) => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(Buffer.byteLength(body), 1);
  return Buffer.concat([head, Buffer.from(body)]);
};

describe("bench: reading a stream", () => {
  const stream = Buffer.concat([
    envelope(0, "first"),
    envelope(0, ""),
    envelope(0, "third"),
    envelope(2, "{}"),
  ]);

  for (const size of [1, 2, 3, 7, 1_000])
    it(`finds each message whole, in parts of ${size}`, () => {
      const sink = followEnvelopes(true);
      for (let at = 0; at < stream.length; at += size) sink.onPart(stream.subarray(at, at + size));
      expect(sink.atEnd().map(String)).to.deep.equal(["first", "", "third"]);
    });

  it("a stream that broke off, or ended with an error, is no reading, whether kept or not", () => {
    for (const keep of [true, false]) {
      const broken = followEnvelopes(keep);
      broken.onPart(envelope(0, "first"));
      expect(() => broken.atEnd()).to.throw("broke off");
      const failed = followEnvelopes(keep);
      failed.onPart(envelope(2, '{"error":{"code":"unavailable","message":"stopping"}}'));
      expect(() => failed.atEnd()).to.throw("unavailable: stopping");
    }
  });

  it("codes are checked by number and place", () => {
    const codeAt = (seq: number) => `c${seq}`;
    checkCodes(["c1", "c2"], 2, codeAt);
    expect(() => checkCodes(["c1"], 2, codeAt)).to.throw("1 codes were read instead of 2");
    expect(() => checkCodes(["c2", "c1"], 2, codeAt)).to.throw("place 1");
    expect(() => checkCodes(["c1", "c1"], 2, codeAt)).to.throw("place 2");
  });
});
