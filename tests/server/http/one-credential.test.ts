import { once } from "node:events";
import { createServer, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { expect } from "chai";
import { joinCredentials } from "../../../server/http/one-credential.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS = 1;
const SETTINGS = 4;
const END_STREAM_AND_HEADERS = 0x5;

function frame(type: number, flags: number, stream: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A literal field without indexing (RFC 7541, section 6.2.2); name and value are shorter than 127 bytes. */
function field(name: string, value: string): Buffer {
  const text = (of: string) => Buffer.concat([Buffer.from([of.length]), Buffer.from(of, "latin1")]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

describe("the Authorization field", () => {
  const joined = (rawHeaders: string[], authorization?: string) => {
    const headers: IncomingHttpHeaders = authorization === undefined ? {} : { authorization };
    joinCredentials({ rawHeaders, headers });
    return headers.authorization;
  };

  it("once stays as it is; several become one value that is no credential, in the order they came", () => {
    expect(joined(["host", "a"])).to.equal(undefined);
    expect(joined(["host", "a", "Authorization", "Bearer x"], "Bearer x")).to.equal("Bearer x");
    const twice = ["Authorization", "Bearer x", "host", "a", "AUTHORIZATION", "Bearer y"];
    expect(joined(twice, "Bearer x")).to.equal("Bearer x, Bearer y");
    expect(joined([...twice, "authorization", ""], "Bearer x")).to.equal("Bearer x, Bearer y, ");
    // A field whose name only has that length.
    expect(joined(["authorizatioN", "a", "x-thirteen-ab", "b"], "a")).to.equal("a");
  });

  describe("over HTTP/2, in frames that Node's own client refuses to send", () => {
    let server: Http2Server;
    const seen: (string | undefined)[] = [];
    before(async () => {
      server = createServer((request, response) => {
        joinCredentials(request);
        seen.push(request.headers.authorization);
        response.end();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    });
    after((done) => void server.close(() => done()));

    it("several are joined as well", async () => {
      const { port } = server.address() as AddressInfo;
      for (const values of [["Bearer x"], ["Bearer x", "Bearer y"]]) {
        const socket = connect(port, "127.0.0.1");
        const fields = Buffer.concat([
          field(":method", "GET"),
          field(":scheme", "http"),
          field(":path", "/"),
          field(":authority", "a"),
          ...values.map((value) => field("authorization", value)),
        ]);
        socket.write(PREFACE);
        socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
        socket.write(frame(HEADERS, END_STREAM_AND_HEADERS, 1, fields));
        await once(server, "request");
        socket.destroy();
        await once(socket, "close");
      }
      expect(seen).to.deep.equal(["Bearer x", "Bearer x, Bearer y"]);
    });
  });
});
