import { expect } from "chai";
import { MongoServerError, MongoServerSelectionError, type TopologyDescription } from "mongodb";
import { connectMongo } from "../../record/mongo.ts";
import { mongoTrouble } from "../../record/mongo-trouble.ts";
import { EXIT, UserError } from "../../runtime/user-error.ts";
import { refusingMongod } from "../support/refusing-mongod.ts";
import { sharedStack } from "../support/shared-stores.ts";

const here = { hosts: "127.0.0.1:27017", namesUser: true, isTls: false, database: "coupons" };
const away = {
  hosts: "db1.example.com:27017,db2.example.com:27017",
  namesUser: true,
  isTls: false,
  database: "coupons",
};

const answer = (code: number, errmsg: string) => new MongoServerError({ code, errmsg });

/** An error like the driver's: a time-out, with the error of each host beneath. */
function unreached(code: string, type: "Unknown" | "ReplicaSetNoPrimary" = "Unknown"): Error {
  const cause = Object.assign(new Error(code === "" ? "silence" : `it said ${code}`), { code });
  const topology = { type, servers: new Map([["a:1", { error: cause }]]) } as unknown as TopologyDescription;
  return new MongoServerSelectionError("Server selection timed out after 4000 ms", topology);
}

describe("record: why MongoDB cannot be used", () => {
  const situations: [what: string, error: Error, asked: typeof here, exitCode: number, said: RegExp][] = [
    [
      "a wrong password",
      answer(18, "Authentication failed."),
      here,
      EXIT.configuration,
      /does not accept the user and password .*: correct them in MONGODB_URL; .* authSource/,
    ],
    [
      "a wrong password, on Atlas",
      answer(8000, "bad auth : authentication failed"),
      away,
      EXIT.configuration,
      /does not accept the user and password/,
    ],
    [
      "no user where one is needed",
      answer(13, "command createIndexes requires authentication"),
      { ...here, namesUser: false },
      EXIT.configuration,
      /wants a user and password .*: give them in MONGODB_URL/,
    ],
    [
      "a user without the right",
      answer(13, "not authorized on coupons"),
      here,
      EXIT.configuration,
      /may not use the database "coupons" .*: grant it readWrite/,
    ],
    [
      "another application's database",
      answer(86, "index differs"),
      here,
      EXIT.configuration,
      /another index of the same name .*MONGODB_DATABASE/,
    ],
    ["duplicates", answer(11000, "E11000"), here, EXIT.configuration, /holds what cannot be unique/],
    [
      "nobody listens here",
      unreached("ECONNREFUSED"),
      here,
      EXIT.storeUnavailable,
      /: start one, or give its/,
    ],
    [
      "nobody listens there",
      unreached("ECONNREFUSED"),
      away,
      EXIT.storeUnavailable,
      /: see that it runs there and listens/,
    ],
    [
      "no such host",
      unreached("ENOTFOUND"),
      away,
      EXIT.storeUnavailable,
      /there is no such host in this network: correct MONGODB_URL/,
    ],
    ["no way there", unreached("EHOSTUNREACH"), away, EXIT.storeUnavailable, /see to the network/],
    [
      "an unknown authority",
      unreached("SELF_SIGNED_CERT_IN_CHAIN"),
      away,
      EXIT.configuration,
      /tlsCAFile in MONGODB_URL/,
    ],
    ["an old certificate", unreached("CERT_HAS_EXPIRED"), away, EXIT.configuration, /renew its certificate/],
    [
      "a certificate for another name",
      unreached("ERR_TLS_CERT_ALTNAME_INVALID"),
      away,
      EXIT.configuration,
      /the name that its certificate is for/,
    ],
    [
      "TLS that is not there",
      unreached("ERR_SSL_WRONG_VERSION_NUMBER"),
      away,
      EXIT.configuration,
      /does not answer in TLS: leave tls=true out/,
    ],
    ["a connection that is ended", unreached("ECONNRESET"), away, EXIT.storeUnavailable, /add tls=true/],
    [
      "a set without a primary",
      unreached("", "ReplicaSetNoPrimary"),
      away,
      EXIT.storeUnavailable,
      /no primary .*: see to the set, or to replicaSet/,
    ],
    [
      "silence",
      new Error("connecting to MongoDB took more than 10000 ms"),
      away,
      EXIT.storeUnavailable,
      /answers there/,
    ],
  ];
  for (const [what, error, asked, exitCode, said] of situations) {
    it(`${what}: exit code ${exitCode}, and what helps`, () => {
      const trouble = mongoTrouble(error, asked);
      expect(trouble.message).to.match(said).and.include(asked.hosts);
      expect(trouble.exitCode).to.equal(exitCode);
      if (asked !== here || exitCode === EXIT.configuration)
        expect(trouble.message).to.not.include("start one");
    });
  }

  it("a MongoDB that refuses the password, over the wire: says so at once, and nothing of the password", async () => {
    const server = await refusingMongod();
    const { port } = server.address() as { port: number };
    try {
      const url = `mongodb://ops:hunter2@127.0.0.1:${port}/?directConnection=true&authMechanism=PLAIN`;
      const connecting = connectMongo({ url, database: "d", connectWithinMs: 10_000, operationMs: 10_000 });
      const error = await connecting.then(
        () => new Error("connected"),
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(UserError).and.have.property("exitCode", EXIT.configuration);
      expect(String(error)).to.match(/does not accept the user and password \(Authentication failed\.\)/);
      expect(String(error)).to.not.include("hunter2");
    } finally {
      server.close();
    }
  });

  it("tls=true to a MongoDB without TLS, over the wire: says that it does not answer in TLS", async () => {
    const { mongodb } = await sharedStack();
    const url = `${mongodb.url}&tls=true`;
    const connecting = connectMongo({ url, database: "d", connectWithinMs: 3_000, operationMs: 3_000 });
    const error = await connecting.then(
      () => new Error("connected"),
      (reason: unknown) => reason,
    );
    expect(String(error)).to.match(/does not answer in TLS: leave tls=true out of MONGODB_URL/);
  });
});
