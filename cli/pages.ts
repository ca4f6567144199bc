import type { CallOptions } from "@connectrpc/connect";
import { call } from "./call.ts";
import type { Session } from "./session.ts";

/** A part of a listing, with the token of the next part; empty: this is the last one. */
export interface Page {
  readonly nextPageToken: string;
}

/** The pages of a listing, a call each, until there are no more or the consumer stops. */
export async function* pagesOf<P extends Page>(
  session: Session,
  ask: (pageToken: string, options: CallOptions) => Promise<P>,
): AsyncGenerator<P, void> {
  let pageToken = "";
  do {
    const page = await call(session, (options) => ask(pageToken, options));
    yield page;
    // Without this check the same page would be read for ever.
    if (page.nextPageToken !== "" && page.nextPageToken === pageToken)
      throw new Error("the service repeats a page token");
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
