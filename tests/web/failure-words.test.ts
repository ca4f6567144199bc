import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { failureText } from "../../web/console/session/failure-words.ts";

const words = {
  t: (key: string, values: object = {}) => [key, ...Object.values(values)].join(" "),
  clock: () => "",
} as unknown as Parameters<typeof failureText>[1];

describe("the console's words for a failed call", () => {
  it("say that the service cannot be reached where there was no answer, and not after a refusal of a proxy", () => {
    const textOf = (message: string, code = Code.Unknown) =>
      failureText(new ConnectError(message, code), words);
    expect(textOf("Failed to fetch")).to.equal("failure.unreachable");
    expect(textOf("HTTP 502", Code.Unavailable)).to.equal("failure.unreachable");
    expect(textOf("HTTP 431")).to.equal("failure.other HTTP 431");
    expect(textOf("HTTP 413")).to.equal("failure.other HTTP 413");
  });
});
