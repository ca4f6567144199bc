import type { Heard } from "./talk.ts";

/** The answers without what does not count: date, the id of a call, the order and case of the fields. */
function told(bytes: Buffer): string[] {
  const answers: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return [...answers, `cut: ${bytes.toString("latin1", at)}`];
    const [status = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const fields = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
    const length = Number(/^content-length: (\d+)$/m.exec(fields.join("\n"))?.[1] ?? 0);
    const rest = bytes.toString("latin1", end + 4, end + 4 + length);
    const counted = fields.map(withoutOwn).sort();
    answers.push(`${status}\n${counted.join("\n")}\n\n${rest}`);
    at = end + 4 + length;
  }
  return answers;
}

/** The id of a call of no trace is its own. */
function withoutOwn(field: string): string {
  if (/^x-request-id: [\da-f]{12}-[\da-f]{8}$/.test(field)) return "x-request-id: its own";
  return field.startsWith("date: ") ? "date" : field;
}

/**
 * Whether Node's parser wrote the answer, because bytes on the connection were no HTTP: only such answers
 * have no date.
 */
const isParsersWord = (answer: string | undefined) => answer !== undefined && !/^date$/m.test(answer);

/**
 * The first difference; undefined: none. After a caller has closed its half it need not get the rest of its
 * answers, and no request behind bytes that are no HTTP is answered. How many of the requests before are
 * answered by then is chance, so one side may have answered fewer.
 */
export function difference(fast: Heard, alone: Heard): string | undefined {
  const [here, there] = [told(fast.bytes), told(alone.bytes)];
  const words = (one: string | undefined, other: string | undefined) =>
    `by the fast path:\n${one ?? "no answer"}\n--- by the framework alone:\n${other ?? "no answer"}`;
  let isWhole = fast.settled && alone.settled;
  const [last, otherLast] = [here.at(-1), there.at(-1)];
  if (isWhole && (isParsersWord(last) || isParsersWord(otherLast))) {
    // Only one side may have the parser's answer if the other one has closed the connection too: Node writes
    // none once an answer has begun to leave.
    const mayDiffer = isParsersWord(last) ? alone.closed : fast.closed;
    if (last !== otherLast && !mayDiffer) return words(last, otherLast);
    isWhole = false;
  }
  if (!isWhole) for (const answers of [here, there]) if (isParsersWord(answers.at(-1))) answers.pop();
  const most = isWhole ? Math.max(here.length, there.length) : Math.min(here.length, there.length);
  for (let at = 0; at < most; at++) if (here[at] !== there[at]) return words(here[at], there[at]);
  return undefined;
}
