import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What an issuer's server answers with; a function: whatever it does. */
export type Page = string | ((response: ServerResponse) => void);

/** The discovery document and the JWKS of an issuer, which a test may change, break and take away. */
export type FakeIssuer = {
  readonly issuer: string;
  readonly jwksUrl: string;
  discovery: Page;
  jwks: Page;
  /** How often each was read. */
  readonly reads: { discovery: number; jwks: number };
  publish(...keys: readonly object[]): void;
  close(): Promise<void>;
};

export async function startFakeIssuer(): Promise<FakeIssuer> {
  const answer = (page: Page, response: ServerResponse) => {
    if (typeof page === "string") response.end(page);
    else page(response);
  };
  const server = createServer((request, response) => {
    if (request.url === "/.well-known/openid-configuration") {
      fake.reads.discovery += 1;
      answer(fake.discovery, response);
    } else if (request.url === "/jwks") {
      fake.reads.jwks += 1;
      answer(fake.jwks, response);
    } else if (request.url === "/elsewhere") response.end('{"keys":[]}');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: FakeIssuer = {
    ...{ issuer, jwksUrl: `${issuer}/jwks`, jwks: '{"keys":[]}', reads: { discovery: 0, jwks: 0 } },
    discovery: JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }),
    publish(...keys) {
      fake.jwks = JSON.stringify({ keys });
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
  return fake;
}

/** Answers that no key set may be read from, by name. */
export const BAD_PAGES: Readonly<Record<string, Page>> = {
  "an error": (response) => void response.writeHead(500).end("{}"),
  "a redirection": (response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
  "more than 256 KiB": (response) => void response.end(`{"keys":[]${" ".repeat(300 * 1024)}}`),
  "a page without an end": (response) => {
    const more = () => {
      if (!response.destroyed) response.write(" ".repeat(16 * 1024), () => setImmediate(more));
    };
    more();
  },
  "no answer within the deadline": () => undefined,
  "half an answer": (response) => void response.write('{"keys":['),
  "no JSON": "<html>",
  "no object": "[]",
  "more than 100 keys": JSON.stringify({ keys: Array(101).fill({ kty: "RSA" }) }),
};
