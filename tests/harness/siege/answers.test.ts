import { expect } from "chai";
import { createAnswerReader, type RawAnswer } from "./answers.ts";

const answer = (status: string, body: string) =>
  `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const COUPON = '{"coupon":{"code":"\uac001234"}}';
const REFUSAL = '{"code":"unauthenticated"}';
const TEXT = [answer("401", REFUSAL), answer("200", COUPON), answer("409", COUPON), answer("200", "")].join(
  "",
);
const READ: readonly RawAnswer[] = [
  { status: "401", given: "" },
  { status: "200", given: COUPON },
  { status: "409", given: COUPON },
  { status: "200", given: " " },
];

function readPieces(text: string, bytesEach: number): RawAnswer[] {
  const answers: RawAnswer[] = [];
  const reader = createAnswerReader((one) => answers.push(one));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += bytesEach)
    expect(reader.read(bytes.subarray(at, at + bytesEach))).to.equal(false);
  return answers;
}

describe("answers to the crowd", () => {
  it("reads what they give, with every status, wherever they are cut", () => {
    for (const bytesEach of [1, 2, 7, 64, 10_000])
      expect(readPieces(TEXT, bytesEach), `${bytesEach} bytes at a time`).to.deep.equal(READ);
  });

  it("tells of one without a length, and nothing of an earlier connection is left", () => {
    const answers: RawAnswer[] = [];
    const reader = createAnswerReader((one) => answers.push(one));
    expect(reader.read(Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))).to.equal(true);
    expect(reader.read(Buffer.from(TEXT.slice(0, 30)))).to.equal(false);
    reader.forget();
    reader.read(Buffer.from(TEXT));
    expect(answers).to.deep.equal([{ status: "400", given: "" }, ...READ]);
  });
});
