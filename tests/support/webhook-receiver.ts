import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Webhook } from "standardwebhooks";
import type { CloudEvent } from "../../events/cloud-event.ts";

export type ReceivedRequest = {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Of the connection that it came over: the same for those of one. */
  readonly port: number;
};

/** A server that takes webhooks and verifies them with the library of Standard Webhooks. */
export type WebhookReceiver = {
  /** With a path, which is secret. */
  readonly url: string;
  readonly port: number;
  /** All requests whose body has come, in their order. */
  readonly requests: readonly ReceivedRequest[];
  /** How often a connection was made. */
  readonly connections: () => number;
  /** How a request is answered; by default 204. */
  answer: (response: ServerResponse, request: ReceivedRequest) => void;
  /** Closes the connections that no request uses, or all. */
  cut(which: "idle" | "all"): void;
  close(): Promise<void>;
};

export type WebhookReceiverOptions = {
  /** PEM; without it the receiver speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly port?: number;
  readonly host?: string;
};

export async function openWebhookReceiver({
  tls,
  port = 0,
  host = "127.0.0.1",
}: WebhookReceiverOptions = {}): Promise<WebhookReceiver> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (piece: Buffer) => void pieces.push(piece));
    request.on("end", () => {
      const received = {
        headers: request.headers,
        body: Buffer.concat(pieces).toString("utf8"),
        port: request.socket.remotePort ?? 0,
      };
      requests.push(received);
      receiver.answer(response, received);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  // Nothing closes a connection but the test.
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${address.port}/hooks/s3cret-path`,
    port: address.port,
    requests,
    connections: () => connections,
    answer: (response) => void response.writeHead(204).end(),
    cut(which) {
      if (which === "idle") server.closeIdleConnections();
      else for (const socket of sockets) socket.destroy();
    },
    async close() {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** @throws where no signature of the request was made with the secret */
export function verified({ headers, body }: ReceivedRequest, secret: string): CloudEvent[] {
  const told = new Webhook(secret).verify(body, headers as Record<string, string>);
  return Array.isArray(told) ? (told as CloudEvent[]) : [told as CloudEvent];
}
