import { expect } from "chai";
import fc from "fast-check";
import { printable } from "../../cli/render.ts";
import { createLogger } from "../../runtime/logger.ts";
import { visible } from "../../runtime/visible.ts";

function logged(format: "json" | "text", level = "info") {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    format,
    destination: { write: (line: string) => void lines.push(line) },
  });
  return { logger, lines };
}

const SECRETS = ["code", "codes", "userId", "claimKey", "requestId", "token", "authorization"];

describe("logger", () => {
  it("one JSON line an event: level by name, time in full, pid", () => {
    const { logger, lines } = logged("json");
    logger.child({ component: "pool" }).warn({ campaign: "C1", waitMs: 5 }, "not yet");
    expect(lines).to.have.length(1);
    const { time, ...line } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    expect(line).to.deep.equal({
      level: "warn",
      pid: process.pid,
      component: "pool",
      campaign: "C1",
      waitMs: 5,
      msg: "not yet",
    });
    expect(new Date(String(time)).toISOString()).to.equal(time);
    expect(lines[0]?.endsWith("\n")).to.equal(true);
  });

  it("a worker of several is told by its number and its process, as JSON and as text", () => {
    const [json, text] = (["json", "text"] as const).map((format) => {
      const lines: string[] = [];
      const destination = { write: (line: string) => void lines.push(line) };
      const logger = createLogger({ level: "info", format, worker: 3, destination });
      logger.child({ component: "server" }).info("here");
      logger.info("and here");
      return lines;
    });
    for (const line of json ?? []) expect(JSON.parse(line)).to.include({ worker: 3, pid: process.pid });
    expect(text?.[0]).to.match(new RegExp(`server +here  worker=3 pid=${process.pid}\\n$`));
    expect(text?.[1]).to.match(new RegExp(`pid ${process.pid} +and here  worker=3\\n$`));
  });

  it("keeps the level, and silence", () => {
    const { logger, lines } = logged("json", "warn");
    logger.info("quiet");
    logger.error("loud");
    expect(lines).to.have.length(1);
    const { logger: silent, lines: none } = logged("json", "silent");
    silent.fatal("nothing");
    expect(none).to.deep.equal([]);
  });

  for (const format of ["json", "text"] as const) {
    it(`codes, people and secrets never reach a ${format} line, at the top or two levels down (property)`, () => {
      const secret = fc.stringMatching(/^[A-Za-z0-9가-힣]{6,20}$/).map((text) => `§${text}§`);
      fc.assert(
        fc.property(fc.constantFrom(...SECRETS), secret, fc.nat(2), (name, value, depth) => {
          const { logger, lines } = logged(format);
          let fields: Record<string, unknown> = { [name]: value, seq: 7 };
          for (let i = 0; i < depth; i++) fields = { nested: fields };
          logger.info(fields, "an event");
          logger.child(fields).info("another");
          logger.info({ claims: [{ [name]: value }] }, "a list");
          const text = lines.join("");
          expect(text).not.to.include(value);
          expect(text).to.include("[redacted]");
          expect(text).to.include("7");
        }),
      );
    });
  }

  it("a whole claim and a whole error with a claim in it show neither code nor person", () => {
    for (const format of ["json", "text"] as const) {
      const { logger, lines } = logged(format);
      const claim = {
        campaignId: "C1",
        claimKey: "정아무개",
        userId: "정아무개",
        code: "가나다라마바1234",
        seq: 3,
      };
      logger.info({ claim }, "a claim");
      logger.error({ err: Object.assign(new Error("went wrong"), { claim }) }, "a failure");
      expect(lines.join("")).not.to.match(/정아무개|가나다라/);
    }
  });

  describe("as text", () => {
    const textOf = (fields: object, message = "armed") => {
      const { logger, lines } = logged("text");
      logger.info(fields, message);
      return lines.join("");
    };

    it("is one readable line: time, level, component, message, details", () => {
      expect(textOf({ component: "scheduler", campaign: "C1", lateMs: 3 })).to.match(
        /^\d\d:\d\d:\d\d\.\d{3} INFO {2}scheduler armed {2}campaign=C1 lateMs=3\n$/,
      );
      expect(textOf({})).to.match(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}pid \d+ +armed\n$/);
      expect(textOf({ config: { a: 1 }, roles: ["x"] })).to.match(/config=\{"a":1\} roles=\["x"\]\n$/);
    });

    it("shows the cause of trouble, without its stack", () => {
      const line = textOf({ err: new Error("connection refused") }, "a round failed");
      expect(line).to.match(/a round failed {2}cause="connection refused"\n$/);
      expect(line.split("\n")).to.have.length(2);
    });

    it("a value is one value, whatever is in it: no name forges a field", () => {
      const forged = "x  component=scheduler verb=cancel";
      expect(textOf({ name: forged, total: 5 })).to.match(
        /armed {2}name="x {2}component=scheduler verb=cancel" total=5\n$/,
      );
      expect(textOf({ name: 'x" verb="cancel' })).to.match(/ name="x\\" verb=\\"cancel"\n$/);
      expect(textOf({ name: "" })).to.match(/ name=""\n$/);
      expect(textOf({ name: "겨울", at: "12:00", is: true, none: null })).to.match(
        / name=겨울 at=12:00 is=true none=null\n$/,
      );
      expect(textOf({ config: { name: forged } })).to.include(
        ` config=${JSON.stringify(JSON.stringify({ name: forged }))}\n`,
      );
      expect(textOf({ err: new Error('a" component="b') })).to.match(/ {2}cause="a\\" component=\\"b"\n$/);
    });

    it("can be read back: each field has the value that was logged (property)", () => {
      const text = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.string({
          unit: fc.constantFrom(" ", "=", '"', "\\", "a", "가", "\u202e", "\u200b", "\n", "🎄", "\u{e0041}"),
        }),
      );
      fc.assert(
        fc.property(text, text, (name, other) => {
          const fields = / {2}name=(?<name>"(?:[^"\\]|\\.)*"|[^\s="\\]+) other=(?<other>.*)\n$/u.exec(
            textOf({ name, other }),
          )?.groups;
          const read = (value = "") => (value.startsWith('"') ? JSON.parse(value) : value);
          expect([read(fields?.["name"]), read(fields?.["other"])]).to.deep.equal([name, other]);
        }),
      );
    });

    it("shows what hides, by the same rule as coupon (property)", () => {
      const bad = "a\u202eb\u2066c\u200bd\u00ade\u061cf\ufeffg\u009bh\u3164i\u{e0041}j\u2029k";
      const escaped =
        "a\\u202eb\\u2066c\\u200bd\\u00ade\\u061cf\\ufeffg\\u009bh\\u3164i\\udb40\\udc41j\\u2029k";
      expect(textOf({ name: bad })).to.include(` name="${escaped}"\n`);
      expect(textOf({}, bad)).to.include(escaped);
      expect(textOf({ nested: { name: bad } }))
        .to.include("\\u202e")
        .and.not.match(/\p{Cf}/u);
      for (const emoji of ["👨‍👩‍👧", "❤️", "1️⃣", "👍🏽", "🏳️‍🌈", "👩🏽‍🚀", "🇰🇷"])
        expect(textOf({ name: emoji })).to.include(` name=${emoji}\n`);
      const units = fc.oneof(fc.constantFrom("\u200d", "\ufe0f", "1", "\u20e3", "👩", "🏽", "가", "\u202e"));
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: units })), (text) => {
          expect(visible(text)).to.equal(printable(text));
          expect(visible(text)).not.to.match(/[\p{Cc}\p{Bidi_Control}\u200b\p{Cs}]/u);
        }),
      );
    });

    it("stays one line whatever is in a value", () => {
      expect(textOf({ name: "two\nlines", nested: { text: "two\nlines" } }).split("\n")).to.have.length(2);
      expect(textOf({ err: new Error("two\nlines") }).split("\n")).to.have.length(2);
      expect(textOf({}, "two\r\nlines\u2028three").split(/[\r\n\u2028]/)).to.have.length(2);
      expect(textOf({ name: "\u001b[2Jgone" })).not.to.include("\u001b");
    });
  });
});
