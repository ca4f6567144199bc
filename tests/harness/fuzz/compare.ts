import type { Heard } from "./talk.ts";

/** An answer with what is of no account taken out: the date, and in which order and case the fields come. */
function told(bytes: Buffer): string[] {
  const answers: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return [...answers, `cut: ${bytes.toString("latin1", at)}`];
    const [status = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const fields = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
    const length = Number(/^content-length: (\d+)$/m.exec(fields.join("\n"))?.[1] ?? 0);
    const rest = bytes.toString("latin1", end + 4, end + 4 + length);
    const counted = fields.map((field) => (field.startsWith("date: ") ? "date" : field)).sort();
    answers.push(`${status}\n${counted.join("\n")}\n\n${rest}`);
    at = end + 4 + length;
  }
  return answers;
}

/**
 * What Node's parser says to bytes that are no HTTP, for the connection as a whole: the only answers without
 * a date.
 */
const isParsersWord = (answer: string | undefined) => answer !== undefined && !/^date$/m.test(answer);

/**
 * What differs, or undefined. A caller that closed its half before all was answered has a right to none of
 * the rest, and behind bytes that are no HTTP nothing is answered any more: how much of what came before is
 * answered by then is chance, and one side may have said less.
 */
export function difference(fast: Heard, alone: Heard): string | undefined {
  const [here, there] = [told(fast.bytes), told(alone.bytes)];
  const words = (one: string | undefined, other: string | undefined) =>
    `by the fast path:\n${one ?? "no answer"}\n--- by the framework alone:\n${other ?? "no answer"}`;
  let isWhole = fast.settled && alone.settled;
  const [last, otherLast] = [here.at(-1), there.at(-1)];
  if (isWhole && (isParsersWord(last) || isParsersWord(otherLast))) {
    // On one side alone only where the other ended the connection as well: Node says nothing where an answer
    // has begun to leave.
    const mayDiffer = isParsersWord(last) ? alone.closed : fast.closed;
    if (last !== otherLast && !mayDiffer) return words(last, otherLast);
    isWhole = false;
  }
  if (!isWhole) for (const answers of [here, there]) if (isParsersWord(answers.at(-1))) answers.pop();
  const most = isWhole ? Math.max(here.length, there.length) : Math.min(here.length, there.length);
  for (let at = 0; at < most; at++) if (here[at] !== there[at]) return words(here[at], there[at]);
  return undefined;
}
