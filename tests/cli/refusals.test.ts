import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { readJsonLines, runCli } from "./run-cli.ts";
import { campaignId, refusal, type StandIn, startMs, startStandIn } from "./stand-in.ts";

describe("cli refusals", () => {
  let service: StandIn;
  const answers: Record<string, ConnectError> = {
    NOT_STARTED: refusal(Code.FailedPrecondition, RefusalReason.NOT_STARTED, { startsAtMs: startMs }),
    SOLD_OUT: refusal(Code.ResourceExhausted, RefusalReason.SOLD_OUT),
    ENDED: refusal(Code.FailedPrecondition, RefusalReason.ENDED),
    UNKNOWN_CAMPAIGN: refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN),
    INVALID: refusal(Code.InvalidArgument, RefusalReason.INVALID, { message: "user_id: 1 to 128" }),
    OVERLOADED: refusal(Code.Unavailable, RefusalReason.OVERLOADED),
    unauthenticated: new ConnectError("no token", Code.Unauthenticated),
    permission_denied: new ConnectError("wrong token", Code.PermissionDenied),
  };

  before(async () => {
    service = await startStandIn({
      coupons: {
        issueCoupon(request) {
          throw answers[request.userId] ?? new ConnectError("not in this test", Code.Unimplemented);
        },
      },
    });
  });
  after(() => service.close());

  const expected: [user: string, exitCode: number, message: RegExp][] = [
    ["NOT_STARTED", 3, /not started: opens at 2026-12-24 20:00:00\.000\+09:00 .*, in 00:01:00/],
    ["SOLD_OUT", 3, /sold out/],
    ["ENDED", 3, /ended/],
    ["UNKNOWN_CAMPAIGN", 4, /no such campaign; coupon list/],
    ["INVALID", 2, /the service refused --user: 1 to 128/],
    ["OVERLOADED", 5, /overloaded.*run again with --request-id/],
    ["unauthenticated", 6, /no token; give the operator token/],
    ["permission_denied", 6, /wrong token/],
    ["other", 1, /does not offer this/],
  ];
  for (const [user, exitCode, message] of expected) {
    it(`${user} exits with ${exitCode}, in words and in JSON`, async () => {
      const args = ["issue", campaignId, "--user", user, "--retries", "0"];
      const [plain, json] = await Promise.all([
        runCli(args, { url: service.url }),
        runCli([...args, "--json"], { url: service.url }),
      ]);
      expect(plain).to.include({ code: exitCode, stdout: "" });
      expect(plain.stderr)
        .to.match(message)
        .and.match(/^coupon: [^\n]+\n$/);
      expect(json).to.include({ code: exitCode, stdout: "" });
      const [told] = readJsonLines(json.stderr);
      expect(told).to.have.nested.property("error.exitCode", exitCode);
      if (/^[A-Z]/.test(user)) expect(told).to.have.nested.property("error.reason", user);
      else if (user !== "other") expect(told).to.have.nested.property("error.code", user);
    });
  }

  it("nobody at the URL: says how to start one, at once", async () => {
    const gone = await startStandIn({});
    await gone.close();
    const { code, stderr } = await runCli(["issue", "X", "--user", "u", "--url", gone.url]);
    expect(code).to.equal(5);
    expect(stderr).to.equal(`coupon: no service at ${gone.url}; start one with npm start or give --url\n`);
  });

  it("a server that never answers: exits with 5 after --timeout", async () => {
    const silent = await startStandIn({
      coupons: {
        getCampaignStatus: (_request, context) =>
          new Promise((_resolve, reject) => {
            context.signal.addEventListener("abort", () =>
              reject(new ConnectError("late", Code.DeadlineExceeded)),
            );
          }),
      },
    });
    try {
      const { code, stderr } = await runCli(["status", "X", "--timeout", "50", "--retries", "0"], {
        url: silent.url,
      });
      expect(code).to.equal(5);
      expect(stderr).to.match(/no answer from .* in time/);
    } finally {
      await silent.close();
    }
  });

  it("another kind of server: asks whether the URL is right", async () => {
    const website = createServer((_request, response) => response.writeHead(404).end("<html>"));
    await new Promise<void>((resolve) => website.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(website.address() as AddressInfo).port}`;
    try {
      const { code, stderr } = await runCli(["status", "X", "--url", url]);
      expect(code).to.equal(1);
      expect(stderr).to.match(/is --url the coupon service\?/);
    } finally {
      await new Promise((resolve) => website.close(resolve));
    }
  });

  const badSettings: [args: string[], why: RegExp][] = [
    [["--url", "localhost:8080"], /not an http or https URL/],
    [["--url", "nonsense"], /not a URL/],
    [["--url", "http://me:secret@localhost"], /user or password/],
    [["--timeout", "0"], /--timeout/],
    [["--retries", "-1"], /--retries/],
    [["--token", "a b"], /token/],
  ];
  for (const [args, why] of badSettings) {
    it(`${args.join(" ")} exits with 2`, async () => {
      const { code, stderr } = await runCli(["list", ...args]);
      expect(code).to.equal(2);
      expect(stderr).to.match(why).and.not.include("secret@");
    });
  }

  it("wrong usage is told in JSON too", async () => {
    const { code, stderr } = await runCli(["lst", "--json"]);
    expect(code).to.equal(2);
    expect(readJsonLines(stderr)[0]).to.have.nested.property("error.code", "usage");
  });
});
