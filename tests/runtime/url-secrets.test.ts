import { expect } from "chai";
import { redactUrls, secretsOfUrls } from "../../runtime/url-secrets.ts";

describe("secrets of URLs", () => {
  it("a user beside an empty password is the secret", () => {
    expect(secretsOfUrls("redis://token-of-mine:@h:6379")).to.deep.equal(["token-of-mine"]);
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
