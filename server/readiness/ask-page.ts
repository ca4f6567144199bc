import { get } from "node:http";
import type { Clock } from "../../runtime/clock.ts";

/** Asks the pages of another server whether that is ready and reaches both stores. Never rejects. */
export type AskPage = (page: string) => Promise<boolean>;

export const ASK_PAGE_MS = 1_000;
const BYTES_MAX = 4_096;
/** Lines of `/readyz?verbose`: another program at this address does not answer with them. */
const REACHED = ["[+]redis ok", "[+]mongodb ok", "readyz check passed"];

export function createAskPage(clock: Pick<Clock, "after">): AskPage {
  return (page) =>
    new Promise((resolve) => {
      // No connection is kept, and no redirect followed.
      const request = get(new URL("/readyz?verbose", page), { agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => {
          text += piece;
          if (text.length > BYTES_MAX) done(false);
        });
        response.on("error", () => done(false));
        response.on("end", () => {
          const lines = text.split("\n");
          done(response.statusCode === 200 && REACHED.every((line) => lines.includes(line)));
        });
      });
      const cancel = clock.after(ASK_PAGE_MS, () => done(false));
      function done(reaches: boolean): void {
        cancel();
        request.destroy();
        resolve(reaches);
      }
      request.on("error", () => done(false));
    });
}
