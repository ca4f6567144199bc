import { createServer, IncomingMessage, type Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import express from "express";
import { expressClasses } from "../../../server/http/express-classes.ts";

describe("the classes of request and response that Express leaves as they are", () => {
  let server: Server;
  const prototypes: { readonly of: object; readonly before: unknown }[] = [];

  before(async () => {
    const app = express();
    app.get("/", (request, response) => {
      expect(request.app).to.equal(app);
      response.json({ host: request.hostname, is: request.get("x-a") });
    });
    server = createServer(expressClasses(app), (request, response) => {
      for (const of of [request, response]) prototypes.push({ of, before: Object.getPrototypeOf(of) });
      app(request, response);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it("Express has all that it needs of them, and gives them no other prototype", async () => {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { "x-a": "b" } });
    expect(await answer.json()).to.deep.equal({ host: "127.0.0.1", is: "b" });
    expect(prototypes).to.have.length(2);
    for (const { of, before } of prototypes) expect(Object.getPrototypeOf(of)).to.equal(before);
    expect(prototypes[0]?.of).to.be.instanceOf(IncomingMessage);
    expect(prototypes[1]?.of).to.be.instanceOf(ServerResponse);
  });

  it("without them it does", async () => {
    const plain = express();
    const kept: unknown[] = [];
    const other = createServer((request, response) => {
      const before = Object.getPrototypeOf(request);
      plain(request, response);
      kept.push(Object.getPrototypeOf(request) === before);
    });
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
    await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    other.closeAllConnections();
    other.close();
    expect(kept).to.deep.equal([false]);
  });
});
