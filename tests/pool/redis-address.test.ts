import { expect } from "chai";
import { hostOf, parseRedisUrls } from "../../pool/redis-url.ts";
import { UserError } from "../../runtime/user-error.ts";

/** The one-line refusal of a REDIS_URL, for the person who set it; fails if the URL is accepted. */
function refusalOf(url: string): string {
  try {
    parseRedisUrls(url);
  } catch (error) {
    expect(error, url).to.be.instanceOf(UserError);
    return (error as UserError).message;
  }
  throw new Error(`${url} was taken`);
}

describe("REDIS_URL", () => {
  it("is one URL with what it leaves out filled in", () => {
    expect(parseRedisUrls("redis://example.org")).to.deep.equal({
      nodes: [{ host: "example.org", port: 6379 }],
      tls: undefined,
      database: 0,
    });
    expect(parseRedisUrls("rediss://coupons:p%40ss%2Fw%3A%25@[::1]:7000/3")).to.deep.equal({
      nodes: [{ host: "::1", port: 7000 }],
      username: "coupons",
      password: "p@ss/w:%",
      tls: {},
      database: 3,
    });
  });

  it("has options for TLS, and may name a socket", () => {
    expect(
      parseRedisUrls("rediss://u:p@h?ca=/etc/a%2Cb+c.pem&cert=/c.pem&key=/k.pem&servername=redis.example"),
    ).to.deep.equal({
      nodes: [{ host: "h", port: 6379 }],
      username: "u",
      password: "p",
      tls: { ca: "/etc/a,b+c.pem", cert: "/c.pem", key: "/k.pem", servername: "redis.example" },
      database: 0,
    });
    expect(parseRedisUrls("redis+unix://u:p%2Fw@/run/redis/redis%20a.sock?db=2")).to.deep.equal({
      nodes: [{ path: "/run/redis/redis a.sock" }],
      username: "u",
      password: "p/w",
      tls: undefined,
      database: 2,
    });
    expect(parseRedisUrls("redis+unix:///run/redis.sock").nodes).to.deep.equal([{ path: "/run/redis.sock" }]);
    const several = parseRedisUrls("rediss://h1?ca=/a.pem,rediss://h2,rediss://h3?ca=/a.pem");
    expect([several.nodes.length, several.tls]).to.deep.equal([3, { ca: "/a.pem" }]);
    expect(refusalOf("rediss://h1?ca=/a.pem,rediss://h2?ca=/b.pem")).to.match(/options .* URL 2/);
  });

  it("may name Sentinels, the master that they watch, and their own credentials", () => {
    expect(
      parseRedisUrls(
        "rediss+sentinel://u:p%40%2C@s1:1,[::1]:2,[::2],s3/mymaster?db=2&sentinelUser=a%20b&sentinelPassword=c%26&ca=/ca.pem",
      ),
    ).to.deep.equal({
      nodes: [],
      username: "u",
      password: "p@,",
      tls: { ca: "/ca.pem" },
      database: 2,
      sentinels: {
        nodes: [
          { host: "s1", port: 1 },
          { host: "::1", port: 2 },
          { host: "::2", port: 26379 },
          { host: "s3", port: 26379 },
        ],
        master: "mymaster",
        username: "a b",
        password: "c&",
      },
    });
    expect(parseRedisUrls("redis+sentinel://s1/m")).to.deep.equal({
      nodes: [],
      tls: undefined,
      database: 0,
      sentinels: { nodes: [{ host: "s1", port: 26379 }], master: "m" },
    });
  });

  for (const [url, why] of [
    ["redis+sentinel://s1,s2", /name of the master, .* after the \/ of its hosts/],
    ["redis+sentinel://s1,s2/", /name of the master/],
    ["redis+sentinel://s1,s2/a/b", /name of the master/],
    ["redis+sentinel://s1,,s2/m", /must name a host/],
    ["redis+sentinel://s1:0,s2/m", /port from 1 to 65535/],
    ["redis+sentinel://:hush/x@s1/m", /before its @ that must be encoded/],
    [
      "redis+sentinel://s1/m?ca=/hush.pem",
      /not known, number 1 .* must be db, sentinelUser, sentinelPassword$/,
    ],
    ["redis+sentinel://s1/m?sentinelPassword=", /value of sentinelPassword that is empty/],
    ["redis+sentinel://s1/m?sentinelUser=u", /sentinelPassword beside sentinelUser/],
    ["redis+sentinel://s1/m?sentinelPassword=hu@sh", /before its @ that must be encoded/],
    ["redis+sentinel://s1/m?sentinelPassword=hush&x=y", /not known, number 2/],
    ["redis://h1,redis+sentinel://s1/m", /URL 2 of 2 names Sentinels, beside which no other URL stands/],
    ["redis://h?ca=/a.pem", /no options after a \?: ca, cert, key and servername belong to rediss/],
    ["rediss://h?ca=a.pem", /value of ca that is no absolute path/],
    ["rediss://h?cert=/a.pem", /cert and key together/],
    ["rediss://h?hush=1", /option that is not known, number 1 .* must be ca, cert, key, servername/],
    ["rediss://h?ca=/a&ca=/b", /an option twice/],
    ["rediss://h?servername=a/b", /servername that is no host name/],
    ["rediss://h?ca=/a=hush", /value of ca that must be encoded/],
    ["redis+unix://host/run/redis.sock", /absolute path of a socket .* three slashes/],
    ["redis+unix:///", /absolute path of a socket/],
    ["redis+unix:///run/redis.sock?ca=/a", /must be db/],
    ["redis+unix:///run/redis.sock?db=x", /db that is no database number/],
    ["redis://h1,redis+unix:///run/redis.sock", /URL 2 of 2 is a socket of this machine/],
    ["redis://h#hush", /must have no #/],
  ] as const)
    it(`refuses ${url}`, () => {
      expect(refusalOf(url)).to.match(why);
      expect(refusalOf(url)).not.to.include("hush");
    });

  it("is several, whose credentials are those of the first", () => {
    const several = parseRedisUrls("redis://:a%2Cb@h1:1,redis://:a%2Cb@h2:2,redis://h3:3");
    expect(several.nodes.map(hostOf)).to.deep.equal(["h1:1", "h2:2", "h3:3"]);
    expect(several).to.include({ password: "a,b", tls: undefined });
    for (const [other, what] of [
      ["redis://:else@h2", /user and password/],
      ["redis://u:pw@h2", /user and password/],
      ["rediss://:pw@h2", /TLS/],
    ] as const) {
      expect(refusalOf(`redis://:pw@h1,${other}`), other)
        .to.match(what)
        .and.to.match(/URL 2/);
    }
  });

  it("is refused by its name, without anything of it, where it is malformed", () => {
    for (const url of [
      "redis://",
      "redis://:hush@",
      "http://u:hush@h",
      "redis://:hu/sh@h",
      "redis://:hush%zz@h",
      "redis://:hush@h:99999",
      "redis://:hush@h/db",
      "redis://:hush@h1,redis://:hu#sh@h2",
      "h1:6379,redis://:hush@h2",
    ]) {
      const words = refusalOf(url);
      expect(words, url).to.match(/^configuration: REDIS_URL: /);
      expect(words, url).not.to.match(/hu.?sh|zz/);
    }
  });
});
