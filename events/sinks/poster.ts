import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { isReset } from "./connection-trouble.ts";

/** POSTs to one URL, over connections that are kept. */
export type Poster = {
  /** Follows no redirect. @throws where no answer came, or the signal was aborted before */
  post(sent: PostSent, signal: AbortSignal): Promise<PostAnswer>;
  /** Closes all connections. */
  close(): void;
};

export type PostSent = { readonly headers: Readonly<Record<string, string>>; readonly body: string };
export type PostAnswer = { readonly status: number; readonly retryAfter: string | undefined };

const reset = () => Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });

/** As many as campaigns that are delivered at once. */
const CONNECTIONS_MAX = 8;
/** Where a host has several addresses, the next one is tried after so long. */
const ADDRESS_MS = 2_000;
/** The rest of an answer is read, and thrown away, so that its connection can be kept; up to this. */
const ANSWER_BYTES_MAX = 65_536;
const ANSWER_MS = 1_000;

export type PosterOptions = { readonly lookup: LookupFunction; readonly clock: Pick<Clock, "after"> };

export function createPoster(url: URL, { lookup, clock }: PosterOptions): Poster {
  const isTls = url.protocol === "https:";
  const options = {
    ...{ keepAlive: true, maxSockets: CONNECTIONS_MAX, maxFreeSockets: CONNECTIONS_MAX, lookup },
    autoSelectFamilyAttemptTimeout: ADDRESS_MS,
  };
  const agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
  const request = isTls ? httpsRequest : httpRequest;

  /** The status counts as soon as it is there, whatever becomes of the rest of the answer. */
  function read(answer: IncomingMessage): Promise<PostAnswer> {
    const { statusCode: status = 0, headers } = answer;
    return new Promise((resolve) => {
      const cancel = clock.after(ANSWER_MS, () => answer.destroy());
      let bytes = 0;
      answer.on("data", (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > ANSWER_BYTES_MAX) answer.destroy();
      });
      answer.on("error", () => undefined);
      answer.once("close", () => {
        cancel();
        resolve({ status, retryAfter: headers["retry-after"] });
      });
    });
  }

  function once({ headers, body }: PostSent, signal: AbortSignal): Promise<PostAnswer | "closed before"> {
    return new Promise((resolve, reject) => {
      const sending = request(url, { method: "POST", agent, headers, signal });
      let isAnswered = false;
      sending.once("response", (answer) => {
        isAnswered = true;
        void read(answer).then(resolve);
      });
      sending.on("error", (error) => {
        if (isAnswered) return;
        if (sending.reusedSocket && isReset(error)) resolve("closed before");
        else reject(error);
      });
      // Also where neither comes: an answer that changes the protocol, which nobody here wants.
      sending.once("close", () => {
        if (!isAnswered) reject(reset());
      });
      sending.end(body);
    });
  }

  return {
    async post(sent, signal) {
      // A receiver may close a kept connection at any time, also while a request is on its way.
      for (let left = CONNECTIONS_MAX; ; left--) {
        signal.throwIfAborted();
        const answer = await once(sent, signal);
        if (answer !== "closed before") return answer;
        if (left === 0) throw reset();
      }
    },
    close: () => agent.destroy(),
  };
}
