/**
 * Asks before what cannot be undone. A verb lists `yesOption` among its options and, after its dry run and
 * before its call, says:
 *
 *     await confirm(session, input, {
 *       what: `cancel ${id} (Christmas): its 400 unissued coupons are retired for ever`,
 *       typed: id,
 *     });
 *
 * It returns where the operator agreed or gave --yes, and throws in every other case. `what` is one plain
 * line that names the campaign, the numbers and, in full, any instant. Give `typed` only where nothing at all
 * can bring it back: the operator then has to type that text, which no habit does. Where nobody can be asked
 * (a pipe, cron, --json) it refuses without --yes.
 */
import type { Input } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { printable } from "./render.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

export interface Question {
  /** What will happen, in one line, as in "end 01J… now". */
  readonly what: string;
  /** What has to be typed to agree; undefined: y or yes. */
  readonly typed?: string;
}

/** @throws UserError with exit code 7 unless the operator agrees */
export async function confirm(session: Session, input: Input, question: Question): Promise<void> {
  if (input.flag("--yes") === true) return;
  const { prompt, output, signal } = session;
  const what = printable(question.what);
  const { typed } = question;
  if (!prompt.canAsk) {
    throw new UserError(`not confirmed, nothing was changed: ${what}`, {
      hint: "nobody can be asked here, give --yes to go on",
      exitCode: exitCodes.notConfirmed,
    });
  }
  output.note(`this cannot be undone: ${what}`);
  const wanted = typed === undefined ? "Go on? [y/N] " : `Type ${printable(typed)} to go on: `;
  const answer = (await prompt.ask(wanted, signal))?.trim().normalize("NFC");
  const agreed =
    typed === undefined ? /^y(es)?$/i.test(answer ?? "") : answer === typed.trim().normalize("NFC");
  if (agreed) return;
  throw new UserError("not confirmed, nothing was changed", {
    hint: typed === undefined ? "answer y to go on" : `type ${printable(typed)} exactly to go on`,
    exitCode: exitCodes.notConfirmed,
  });
}
