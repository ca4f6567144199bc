import { expect } from "chai";
import { redactUrls, secretsOfUrls } from "../../runtime/url-secrets.ts";

describe("secrets of URLs", () => {
  it("a user beside an empty password is the secret", () => {
    expect(secretsOfUrls("redis://token-of-mine:@h:6379")).to.deep.equal(["token-of-mine"]);
  });

  it("of Sentinels every credential is secret, their hosts and the name of the master are not", () => {
    const url =
      "redis+sentinel://app:hidden-word@s1:1,s2:2/mymaster?sentinelUser=me-myself&sentinelPassword=own-word";
    expect(secretsOfUrls(url)).to.include.members(["hidden-word", "me-myself", "own-word"]);
    expect(redactUrls(url)).to.equal(
      "redis+sentinel://[redacted]@s1:1,s2:2/mymaster?sentinelUser=[redacted]&sentinelPassword=[redacted]",
    );
  });

  it("of a proxy the user and password are secret, the host and port are not", () => {
    const url =
      "mongodb://h/?proxyHost=p.example&proxyPort=1080&proxyUsername=me-myself&proxyPassword=hidden-word";
    expect(secretsOfUrls(url)).to.deep.equal(["me-myself", "hidden-word"]);
    expect(redactUrls(url))
      .to.include("proxyHost=p.example&proxyPort=1080")
      .and.not.match(/myself|hidden/);
  });
});
