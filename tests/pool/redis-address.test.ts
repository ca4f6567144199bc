import { expect } from "chai";
import { parseRedisUrls } from "../../pool/redis-url.ts";
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
      tls: false,
      database: 0,
    });
    expect(parseRedisUrls("rediss://coupons:p%40ss%2Fw%3A%25@[::1]:7000/3")).to.deep.equal({
      nodes: [{ host: "::1", port: 7000 }],
      username: "coupons",
      password: "p@ss/w:%",
      tls: true,
      database: 3,
    });
  });

  it("is several, whose credentials are those of the first", () => {
    const several = parseRedisUrls("redis://:a%2Cb@h1:1,redis://:a%2Cb@h2:2,redis://h3:3");
    expect(several.nodes.map(({ host, port }) => `${host}:${port}`)).to.deep.equal(["h1:1", "h2:2", "h3:3"]);
    expect(several).to.include({ password: "a,b", tls: false });
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
