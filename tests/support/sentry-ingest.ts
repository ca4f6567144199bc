import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a test reads of an event; see sentry-event.ts. */
export type IngestedEvent = {
  readonly level: string;
  readonly logentry: { readonly message: string };
  readonly tags: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, string>>;
  readonly exception?: { readonly values: readonly { type: string; value: string; stacktrace?: unknown }[] };
  readonly contexts?: { readonly trace: { readonly trace_id: string } };
  readonly environment: string;
  readonly release: string;
};

/** A server that takes envelopes as Sentry does. */
export type SentryIngest = {
  readonly dsn: string;
  /** The public key of the DSN. */
  readonly key: string;
  /** The bodies of all requests, and their targets. */
  readonly bodies: string[];
  readonly targets: string[];
  /** The events in the bodies. */
  events(): IngestedEvent[];
  /** How a request is answered; undefined: it is not. */
  answer: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
};

export async function startSentryIngest(): Promise<SentryIngest> {
  const key = "0123456789abcdef0123456789abcdef";
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => void pieces.push(piece));
    request.on("end", () => {
      ingest.targets.push(request.url ?? "");
      ingest.bodies.push(Buffer.concat(pieces).toString("utf8"));
      ingest.answer?.(response);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const ingest: SentryIngest = {
    dsn: `http://${key}@127.0.0.1:${(server.address() as AddressInfo).port}/42`,
    key,
    bodies: [],
    targets: [],
    events: () => ingest.bodies.map((body) => JSON.parse(body.split("\n")[2] ?? "") as IngestedEvent),
    answer: (response) => void response.end("{}"),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return ingest;
}
