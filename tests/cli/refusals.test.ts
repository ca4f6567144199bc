import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { ReceiptSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, campaignId, refusal, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";
import { temporaryDir } from "../support/temporary-dir.ts";

describe("cli refusals", () => {
  let service: StandIn;
  const answers: Record<string, ConnectError> = {
    NOT_STARTED: refusal(Code.FailedPrecondition, RefusalReason.NOT_STARTED, { startsAtMs: startMs }),
    SOLD_OUT: refusal(Code.FailedPrecondition, RefusalReason.SOLD_OUT),
    ENDED: refusal(Code.FailedPrecondition, RefusalReason.ENDED),
    UNKNOWN_CAMPAIGN: refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN),
    INVALID: refusal(Code.InvalidArgument, RefusalReason.INVALID, { message: "user_id: 1 to 128" }),
    OVERLOADED: refusal(Code.Unavailable, RefusalReason.OVERLOADED),
    BUSY: refusal(Code.Unavailable, RefusalReason.OVERLOADED, {
      message: "Redis does not answer; nothing was tried, ask again with the same key",
    }),
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
    [
      "UNKNOWN_CAMPAIGN",
      4,
      /there is no campaign 01JSTANDIN0{16} at http:\/\/127\.0\.0\.1:\d+; coupon list shows/,
    ],
    ["INVALID", 2, /the service refused --user: 1 to 128; coupon issue --help says what is allowed/],
    ["OVERLOADED", 5, /overloaded.*run again with --request-id/],
    ["BUSY", 5, /the last try did nothing: Redis does not answer; it may have been issued/],
    [
      "unauthenticated",
      6,
      /no token; give the operator token with --token-file, COUPON_TOKEN or the config file/,
    ],
    ["permission_denied", 6, /wrong token/],
    ["other", 1, /does not offer this/],
  ];
  for (const [user, exitCode, message] of expected) {
    it(`${user} exits with ${exitCode}, in words and in JSON`, async () => {
      const args = ["issue", campaignId, "--user", user, "--retries", "0"];
      const [plain, json] = await Promise.all([
        runHere(args, { url: service.url, env: { COUPON_TOKEN: "" } }),
        runHere([...args, "--json"], { url: service.url, env: { COUPON_TOKEN: "" } }),
      ]);
      expect(plain).to.include({ code: exitCode, stdout: "" });
      expect(plain.stderr)
        .to.match(message)
        .and.match(/^coupon: [^\n]+\n$/);
      expect(json).to.include({ code: exitCode, stdout: "" });
      const [told] = readJsonLines(json.stderr);
      expect(told).to.have.nested.property("error.exitCode", exitCode);
      if (user === "BUSY") expect(told).to.have.nested.property("error.reason", "OVERLOADED");
      else if (/^[A-Z]/.test(user)) expect(told).to.have.nested.property("error.reason", user);
      else if (user !== "other") expect(told).to.have.nested.property("error.code", user);
    });
  }

  it("--receipt keeps the signed receipt of a refusal, as the verifier reads it, and the refusal is told", async () => {
    const dir = temporaryDir();
    const file = join(dir.path, "receipt.jsonl");
    const signature = Uint8Array.of(0xfb, 0xff, 0xfe);
    const soldOut = refusal(Code.FailedPrecondition, RefusalReason.SOLD_OUT);
    soldOut.details.push({ desc: ReceiptSchema, value: { statement: { statement: "{}", signature } } });
    let asked: boolean | undefined;
    const signing = await startStandIn({
      coupons: {
        issueCoupon({ receipt, userId }) {
          asked = receipt;
          throw userId === "bob" ? soldOut : answers["ENDED"];
        },
      },
    });
    const issue = (user: string, ...more: string[]) =>
      runHere(["issue", campaignId, "--user", user, ...more], { url: signing.url });
    try {
      const kept = await issue("bob", "--receipt", file);
      expect([kept.code, asked]).to.deep.equal([3, true]);
      expect(kept.stderr).to.match(/the receipt is in .*receipt\.jsonl\n.*sold out/);
      expect(readFileSync(file, "utf8")).to.equal('{}\n{"signature":"-__-"}\n');
      const without = await issue("alice", "--receipt", join(dir.path, "none.jsonl"));
      expect(without.stderr).to.match(/there is no receipt: .*\n.*ended/);
      expect(existsSync(join(dir.path, "none.jsonl"))).to.equal(false);
      const nowhere = await issue("bob", "--receipt", join(dir.path, "no", "folder.jsonl"));
      expect([nowhere.code, nowhere.stderr]).to.satisfy(
        ([code, words]: [number, string]) =>
          code === 3 && /no receipt was written: --receipt: .*\n.*sold out/.test(words),
      );
      await issue("bob");
      expect(asked, "nobody asked for one").to.equal(false);
    } finally {
      await signing.close();
      dir.remove();
    }
  });

  it("a token that was sent and refused: says where it came from, not what it is", async () => {
    const operators = await startStandIn({
      campaigns: {
        listCampaigns() {
          throw new ConnectError("the operators' token is needed", Code.Unauthenticated);
        },
        listHistory() {
          const message = "too many requests with a wrong credential from this address; nothing was tried";
          throw refusal(Code.ResourceExhausted, RefusalReason.RATE_LIMITED, { message });
        },
      },
    });
    try {
      const wrong = { url: operators.url, env: { COUPON_TOKEN: "not-the-right-one" } };
      const { code, stderr } = await runHere(["list"], wrong);
      expect(code).to.equal(6);
      expect(stderr).to.equal(
        "coupon: not let in: the operators' token is needed; the token of COUPON_TOKEN was sent and is not that of the service; give the right one\n",
      );
      const limited = await runHere(["history", campaignId], wrong);
      expect(limited.stderr).to.match(
        /with a wrong credential from this address; .*the token of COUPON_TOKEN was sent/,
      );
    } finally {
      await operators.close();
    }
  });

  it("unexpected errors of the service are one line without a stack", async () => {
    const broken = await startStandIn({
      campaigns: {
        getCampaign() {
          throw new ConnectError("store exploded", Code.Internal);
        },
      },
    });
    try {
      const { code, stderr } = await runHere(["get", "X"], { url: broken.url });
      expect(code).to.equal(1);
      expect(stderr).to.equal("coupon: the service failed: store exploded; its log says why\n");
      const debug = await runHere(["get", "X"], { url: broken.url, env: { COUPON_DEBUG: "1" } });
      expect(debug.stderr).to.match(/\n\s+at /);
    } finally {
      await broken.close();
    }
  });

  it("fields and instants of the service are told as flags and in the operator's zone too", async () => {
    const operators = await startStandIn({
      campaigns: {
        getCampaign: () => ({ campaign: campaign(), serverTime: timestampFromMs(startMs) }),
        updateCampaign() {
          const message = "ends_at: must be after starts_at, 2026-12-24T11:00:00.000Z";
          throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
        },
        rescheduleCampaign() {
          const message = "ends_at: must be after starts_at, 2026-12-24T11:00:00.000Z";
          throw refusal(Code.InvalidArgument, RefusalReason.INVALID, { message });
        },
      },
    });
    try {
      const args = ["reschedule", campaignId, "--start", "2026-12-24T12:00:00Z"];
      const { code, stderr } = await runHere(args, { url: operators.url });
      expect(code).to.equal(2);
      expect(stderr.split("\n")[1]).to.equal(
        "coupon: the service refused --end: must be after --start, 2026-12-24 20:00:00.000+09:00 (Asia/Seoul) = " +
          "2026-12-24T11:00:00.000Z; give the end too, as in --end start+2h, or --no-end where there is to be none",
      );
      const edited = await runHere(["edit", campaignId, "--end", "2026-12-24T10:00:00Z"], {
        url: operators.url,
      });
      expect(edited.stderr)
        .to.include("; give an end after the start, or --no-end where there is to be none")
        .and.not.include("start+2h");
    } finally {
      await operators.close();
    }
  });

  it("the gRPC port: says so at once", async () => {
    const grpc = createHttp2Server((_request, response) => response.end());
    await new Promise<void>((resolve) => grpc.listen(0, "127.0.0.1", resolve));
    const { port } = grpc.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    try {
      for (const verb of ["status", "watch"]) {
        const { code, stderr } = await runHere([verb, "X", "--url", url]);
        expect([code, stderr]).to.deep.equal([
          2,
          `coupon: ${url} answers in HTTP/2 only: is it the gRPC port?; give the HTTP port, which is 1000 lower by default: ${port - 1_000}\n`,
        ]);
      }
    } finally {
      await new Promise((resolve) => grpc.close(resolve));
    }
  });

  it("a URL with a path that leads nowhere: says to leave it out", async () => {
    const { code, stderr } = await runHere(["status", "X", "--url", `${service.url}/foo`]);
    expect([code, stderr]).to.deep.equal([
      2,
      `coupon: the coupon service is not at ${service.url}/foo; leave /foo out of the URL\n`,
    ]);
  });

  it("nobody at the URL: says how to start one", async () => {
    const gone = await startStandIn({});
    await gone.close();
    const { code, stderr } = await runHere([
      "issue",
      "X",
      "--user",
      "u",
      "--retries",
      "0",
      "--url",
      gone.url,
    ]);
    expect(code).to.equal(5);
    expect(stderr).to.equal(
      `coupon: no service at ${gone.url}; start one (npm start in a clone of it) or give --url\n`,
    );
    const fromEnvironment = await runHere(["issue", "X", "--user", "u", "--retries", "0"], { url: gone.url });
    expect(fromEnvironment.stderr).to.include("or give --url (this one is from COUPON_URL)\n");
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
      const { code, stderr } = await runHere(["status", "X", "--timeout", "50", "--retries", "0"], {
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
      const { code, stderr } = await runHere(["status", "X", "--url", url]);
      expect(code).to.equal(1);
      expect(stderr).to.match(/is --url the coupon service, and no older/);
    } finally {
      await new Promise((resolve) => website.close(resolve));
    }
  });

  const badSettings: [args: string[], why: RegExp][] = [
    [["--url", "localhost:8080"], /not an http or https URL/],
    [["--url", "nonsense"], /not a URL/],
    [["--url", "http://me:secret@localhost"], /user or password/],
    [["--url", "http://me:pa/secret@localhost"], /user or password|is not a URL/],
    [["--url", "http://me:pa secret@localhost:port"], /is not a URL/],
    [["--url", "ftp://me:secret@localhost"], /is not an http or https URL/],
    [["--timeout", "0"], /--timeout/],
    [["--retries", "-1"], /--retries/],
    [["--token", "a b"], /token/],
  ];
  for (const [args, why] of badSettings) {
    it(`${args.join(" ")} exits with 2`, async () => {
      const { code, stderr } = await runHere(["list", ...args]);
      expect(code).to.equal(2);
      expect(stderr).to.match(why).and.not.include("secret@");
    });
  }

  const badUsage: [line: string, told: string][] = [
    ["creat", "unknown command 'creat' (Did you mean create?); coupon --help shows how it is used"],
    ["get", "the campaign id is missing; coupon list shows them; coupon get --help shows how it is used"],
    [
      "completion",
      "missing required argument 'bash|zsh|fish'; coupon completion --help shows how it is used",
    ],
    [
      "reschedule C --start 2026-12-24 20:00 Asia/Seoul",
      "too many arguments for 'reschedule'. Expected 1 argument but got 3; an instant with spaces needs quotes, as in \"2026-12-24 20:00 Asia/Seoul\"",
    ],
    [
      "get C D",
      "too many arguments for 'get'. Expected 1 argument but got 2; coupon get --help shows how it is used",
    ],
    [
      "create --total 5 --start +1m --name=",
      "--name is empty; give a value; a shell variable in it may be unset",
    ],
    ["add C", "--count is missing; coupon add --help shows an example"],
  ];
  for (const [line, told] of badUsage) {
    it(`coupon ${line}: says what to do next`, async () => {
      const { code, stdout, stderr } = await runHere(line.split(" "));
      expect([code, stdout, stderr]).to.deep.equal([2, "", `coupon: ${told}\n`]);
    });
  }

  it("wrong usage is told in JSON too", async () => {
    const { code, stderr } = await runHere(["lst", "--json"]);
    expect(code).to.equal(2);
    expect(readJsonLines(stderr)[0]).to.have.nested.property("error.code", "usage");
  });
});
