import type { CallOptions } from "@connectrpc/connect";
import { call } from "./call.ts";
import type { Session } from "./session.ts";

/** A part of a listing, and where the next one begins; empty: there is none. */
export interface Page {
  readonly nextPageToken: string;
}

/** The pages of a listing, a call each, until there are no more or the reader has enough. */
export async function* pagesOf<P extends Page>(
  session: Session,
  ask: (pageToken: string, options: CallOptions) => Promise<P>,
): AsyncGenerator<P, void> {
  let pageToken = "";
  do {
    const page = await call(session, (options) => ask(pageToken, options));
    yield page;
    // Else the same page would come for ever.
    if (page.nextPageToken !== "" && page.nextPageToken === pageToken)
      throw new Error("the service repeats a page token");
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
