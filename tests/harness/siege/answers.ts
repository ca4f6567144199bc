/** What the crowd has to know of an answer. */
export type RawAnswer = {
  readonly status: string;
  /** Empty where the answer gives nothing: it has another status than 200, and no coupon in it. */
  readonly given: string;
};

const HEAD_END = Buffer.from("\r\n\r\n");
const STATUS_AT = "HTTP/1.1 ".length;
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const COUPON = '"coupon":';

/** The answers of a connection, one after the other. */
export type AnswerReader = {
  /** True: the last answer has no length, so it ends with its connection. */
  read(part: Buffer): boolean;
  /** For the next connection. */
  forget(): void;
};

export function createAnswerReader(onAnswer: (answer: RawAnswer) => void): AnswerReader {
  let rest: Buffer | undefined;

  return {
    read(part) {
      const bytes = rest === undefined ? part : Buffer.concat([rest, part]);
      rest = undefined;
      let at = 0;
      while (at < bytes.length) {
        const headEnd = bytes.indexOf(HEAD_END, at);
        const head = headEnd < 0 ? "" : bytes.toString("latin1", at, headEnd);
        const length = LENGTH.exec(head)?.[1];
        const bodyAt = headEnd + HEAD_END.length;
        const bodyEnd = bodyAt + Number(length ?? 0);
        if (headEnd < 0 || bodyEnd > bytes.length) {
          rest = bytes.subarray(at);
          return false;
        }
        const status = head.slice(STATUS_AT, STATUS_AT + 3);
        const body = bytes.toString("utf8", bodyAt, bodyEnd);
        onAnswer({ status, given: status === "200" || body.includes(COUPON) ? body || " " : "" });
        if (length === undefined) return true;
        at = bodyEnd;
      }
      return false;
    },
    forget() {
      rest = undefined;
    },
  };
}
