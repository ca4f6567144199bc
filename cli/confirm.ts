/**
 * Asks the operator before a change that cannot be undone. A verb lists `yesOption` among its options and,
 * after its dry run and before its call, calls:
 *
 *     await confirm(session, input, {
 *       what: `cancel ${id} (Christmas): its 400 unissued coupons are retired for ever`,
 *       typed: id,
 *     });
 *
 * It returns where the operator agreed or gave --yes, and throws in every other case. `what` is one plain
 * line that contains the campaign, the numbers and, in full, any instant. Give `typed` only for a change that
 * nothing can reverse: the operator then has to type that text, which does not happen by habit. Where the
 * operator cannot be asked (a pipe, cron, --json), it throws without --yes.
 */
import type { Input } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { printable } from "./render.ts";
import type { Session } from "./session.ts";
import { UserError } from "./user-error.ts";

export interface Question {
  /** The change, in one line, as in "end 01J… now". */
  readonly what: string;
  /** The text that the operator types to agree; undefined: y or yes. */
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
      hint: "there is no terminal to ask at, give --yes to go on",
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
