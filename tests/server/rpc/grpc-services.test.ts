import { setMaxListeners } from "node:events";
import { createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { expect } from "chai";
import { until } from "../../../local/poll.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../../proto/gen/grpc/health/v1/health_pb.ts";
import {
  ServerReflection,
  type ServerReflectionRequest,
} from "../../../proto/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../../proto/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import type { AppDeps } from "../../../server/app.ts";
import type { ReadinessStatus } from "../../../server/readiness/readiness.ts";
import { HEALTH_WATCHES_PER_SOURCE_MAX } from "../../../server/rpc/health-service.ts";
import { REFLECTIONS_MAX } from "../../../server/rpc/reflection-service.ts";
import { refusal } from "../../support/answers.ts";
import { HANG_MS } from "../../support/patience.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(HealthCheckResponse_ServingStatus).map(([name, number]) => [number, name]),
);
const COUPONS = "coupon.v1.CouponService";
const CAMPAIGNS = "coupon.v1.CampaignService";

describe("what a port for gRPC serves beside the contract", () => {
  let app: StubApp;
  let sessions: Http2SessionManager;
  let transport: Transport;
  let status: ReadinessStatus;
  let listeners: Set<() => void>;
  let draining: AbortController;

  async function open(deps: Partial<AppDeps> = {}): Promise<void> {
    status = "ready";
    listeners = new Set();
    draining = new AbortController();
    const readiness: AppDeps["readiness"] = {
      status: () => status,
      checks: () => [],
      onChange(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    };
    app = await openStubApp({ readiness, draining: draining.signal, ...deps });
    const baseUrl = `http://127.0.0.1:${app.grpcPort}`;
    sessions = new Http2SessionManager(baseUrl);
    transport = createGrpcTransport({ baseUrl, sessionManager: sessions });
  }
  function become(next: ReadinessStatus): void {
    status = next;
    for (const listener of [...listeners]) listener();
  }
  afterEach(async () => {
    sessions.abort();
    await app.close();
  });

  describe("health", () => {
    const health = () => createClient(Health, transport);
    const statusOf = async (service: string) => (await health().check({ service })).status;

    it("is that of /readyz, for the port and for each service that it serves", async () => {
      await open({ parts: ["public"] });
      for (const service of ["", COUPONS]) expect(await statusOf(service)).to.equal(SERVING);
      for (const service of [CAMPAIGNS, "coupon.v1.NoService"])
        expect((await refusal(statusOf(service))).code, service).to.equal(5);
      become("isolated");
      expect(await statusOf(COUPONS)).to.equal(NOT_SERVING);
      const { statuses } = await health().list({});
      expect(Object.entries(statuses).map(([name, one]) => [name, one.status])).to.deep.equal([
        ["", NOT_SERVING],
        [COUPONS, NOT_SERVING],
      ]);
    });

    it("is watched: each change once, and the last one before the stream ends", async () => {
      await open();
      const told: string[] = [];
      const watch = async (service: string) => {
        for await (const one of health().watch({ service })) told.push(`${service} ${NAMES[one.status]}`);
      };
      const ended = Promise.all([watch(COUPONS), watch("other")]);
      const tells = (...lines: string[]) =>
        until(() => JSON.stringify([...told].sort()) === JSON.stringify(lines.sort()), HANG_MS, 1);
      const first = [`${COUPONS} SERVING`, "other SERVICE_UNKNOWN"];
      expect(await tells(...first)).to.equal(true);
      become("ready");
      become("isolated");
      expect(await tells(...first, `${COUPONS} NOT_SERVING`)).to.equal(true);
      become("ready");
      expect(await tells(...first, `${COUPONS} NOT_SERVING`, `${COUPONS} SERVING`)).to.equal(true);
      status = "draining";
      draining.abort();
      await ended;
      expect(told.at(-1)).to.equal(`${COUPONS} NOT_SERVING`);
      expect(listeners.size, "nothing waits").to.equal(0);
    });

    it("is watched by so many of one address, and a place is free once one has left", async () => {
      await open();
      const leave = new AbortController();
      setMaxListeners(0, leave.signal);
      const streams = Array.from({ length: HEALTH_WATCHES_PER_SOURCE_MAX }, () =>
        health().watch({}, { signal: leave.signal })[Symbol.asyncIterator](),
      );
      for (const stream of streams) expect((await stream.next()).value?.status).to.equal(SERVING);
      const more = () => health().watch({})[Symbol.asyncIterator]();
      expect((await refusal(more().next())).code).to.equal(8);
      leave.abort();
      await Promise.allSettled(streams.map((stream) => stream.next()));
      const isFree = async () => {
        const signal = new AbortController();
        const one = health().watch({}, { signal: signal.signal })[Symbol.asyncIterator]();
        const outcome = await one.next().then(
          () => true,
          () => false,
        );
        signal.abort();
        await one.next().catch(() => undefined);
        return outcome;
      };
      expect(await until(isFree, HANG_MS, 5)).to.equal(true);
    });
  });

  describe("reflection", () => {
    type Question = ServerReflectionRequest["messageRequest"];

    async function ask(...questions: Question[]) {
      const answers = [];
      async function* requests() {
        for (const messageRequest of questions) yield { host: "h", messageRequest };
      }
      for await (const { messageResponse } of createClient(ServerReflection, transport).serverReflectionInfo(
        requests(),
      ))
        answers.push(messageResponse);
      return answers;
    }
    const codeOf = async (question: Question) => {
      const [answer] = await ask(question);
      return answer?.case === "errorResponse" ? answer.value.errorCode : answer?.case;
    };

    it("is unknown where it is off", async () => {
      await open();
      expect((await refusal(ask({ case: "listServices", value: "" }))).code).to.equal(12);
      expect((await createClient(Health, transport).check({})).status).to.equal(SERVING);
    });

    it("tells what the port serves and nothing else", async () => {
      await open({ parts: ["public"], reflects: true });
      const [list] = await ask({ case: "listServices", value: "" });
      expect(
        list?.case === "listServicesResponse" && list.value.service.map(({ name }) => name),
      ).to.deep.equal([
        COUPONS,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ]);
      for (const symbol of [
        ...[COUPONS, `${COUPONS}.IssueCoupon`, "coupon.v1.Coupon", "coupon.v1.Coupon.code"],
        ...["coupon.v1.CampaignState", "coupon.v1.CAMPAIGN_STATE_OPEN", "coupon.v1.Refusal"],
        "google.rpc.ErrorInfo",
      ])
        expect(await codeOf({ case: "fileContainingSymbol", value: symbol }), symbol).to.equal(
          "fileDescriptorResponse",
        );
      for (const symbol of [CAMPAIGNS, `${CAMPAIGNS}.ListCampaigns`, "coupon.v1.ListCampaignsRequest", ""])
        expect(await codeOf({ case: "fileContainingSymbol", value: symbol }), symbol).to.equal(5);
      const name = "coupon/v1/campaign_service.proto";
      expect(await codeOf({ case: "fileByFilename", value: name })).to.equal(5);
      expect(await codeOf({ case: undefined })).to.equal(3);
      const extension = { containingType: "coupon.v1.Coupon", extensionNumber: 100 } as never;
      expect(await codeOf({ case: "fileContainingExtension", value: extension })).to.equal(5);
      const [numbers, none] = await ask(
        { case: "allExtensionNumbersOfType", value: "coupon.v1.Coupon" },
        { case: "allExtensionNumbersOfType", value: COUPONS },
      );
      expect([numbers?.case, none?.case]).to.deep.equal(["allExtensionNumbersResponse", "errorResponse"]);
    });

    it("sends a file with what it imports, once a stream, in either version", async () => {
      await open({ reflects: true });
      const file: Question = { case: "fileByFilename", value: "coupon/v1/coupon_service.proto" };
      const answers = await ask(file, file);
      const counts = answers.map(
        (one) => one.case === "fileDescriptorResponse" && one.value.fileDescriptorProto.length,
      );
      expect(counts[0]).to.be.greaterThan(1);
      expect(counts[1]).to.equal(1);
      async function* questions() {
        yield { messageRequest: { case: "listServices" as const, value: "" } };
      }
      const alpha = createClient(ServerReflectionAlpha, transport).serverReflectionInfo(questions());
      for await (const { originalRequest, messageResponse } of alpha) {
        expect(originalRequest?.messageRequest.case).to.equal("listServices");
        expect(messageResponse.case).to.equal("listServicesResponse");
      }
    });

    it("answers so many streams at once", async () => {
      await open({ reflects: true });
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      async function* waiting() {
        yield { messageRequest: { case: "listServices" as const, value: "" } };
        await released;
      }
      const streams = Array.from({ length: REFLECTIONS_MAX }, () =>
        createClient(ServerReflection, transport).serverReflectionInfo(waiting())[Symbol.asyncIterator](),
      );
      for (const stream of streams) expect((await stream.next()).done).to.equal(false);
      expect((await refusal(ask({ case: "listServices", value: "" }))).code).to.equal(8);
      release();
      for (const stream of streams) expect((await stream.next()).done).to.equal(true);
    });
  });
});
