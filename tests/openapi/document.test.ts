import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:http2";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { repositoryDir } from "../../local/repository.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import {
  CouponService,
  GetCampaignStatusResponseSchema,
} from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { ServicePart } from "../../runtime/listeners.ts";
import { documentOf, type OpenApi } from "../../server/rpc/openapi-page.ts";
import { toConnectError } from "../../server/rpc/rpc-status.ts";
import { openStubApp, type StubApp } from "../support/stub-app.ts";

const whole = JSON.parse(readFileSync(join(repositoryDir, "proto", "openapi.json"), "utf8")) as OpenApi;
const PARTS: Readonly<Record<string, readonly ServicePart[]>> = {
  public: ["public", "pages"],
  operators: ["operators"],
  both: ["public", "operators", "pages"],
};

/** Rule and place of each finding, in the whole of Redocly's recommended rules. */
async function lint(document: object): Promise<string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: "openapi.json",
    config,
  });
  return problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`);
}

describe("the OpenAPI document", () => {
  for (const [name, parts] of Object.entries(PARTS))
    it(`passes a linter: ${name}`, async () => {
      expect(await lint(documentOf(whole, parts))).to.deep.equal([]);
    });

  it("does not pass where a schema is missing, or an operation has no answer", async () => {
    const { "coupon.v1.Coupon": _, ...schemas } = whole.components.schemas;
    const broken = { ...whole, components: { ...whole.components, schemas } };
    expect((await lint(broken)).join()).to.include("no-unresolved-refs");
    const path = "/coupon.v1.CouponService/FindCoupon";
    const silent = { ...whole, paths: { ...whole.paths, [path]: { post: { operationId: "x" } } } };
    expect((await lint(silent)).join()).to.include(
      "operation-summary #/paths/~1coupon.v1.CouponService~1FindCoupon",
    );
  });

  it("has every method of the contract, and GET for the one without side effects", () => {
    const methods = [CouponService, CampaignService, EventService, RedemptionService].flatMap(
      ({ typeName, methods }) => methods.map(({ name }) => `/${typeName}/${name}`),
    );
    expect(Object.keys(whole.paths)).to.deep.equal(methods);
    const withGet = Object.entries(whole.paths).filter(([, item]) => "get" in Object(item));
    expect(withGet.map(([path]) => path)).to.deep.equal(["/coupon.v1.CouponService/GetCampaignStatus"]);
  });

  it("of a part names nothing of the other", () => {
    const open = documentOf(whole, ["public"]);
    expect(JSON.stringify(open)).to.not.match(
      /CampaignService|ListCampaigns|operatorCredential|WatchCampaign/,
    );
    expect(Object.keys(open.components.schemas)).to.include.members([
      "coupon.v1.Coupon",
      "coupon.v1.Refusal",
    ]);
    expect(Object.keys(documentOf(whole, ["operators"]).paths).join()).to.not.include("CouponService");
    expect(documentOf(whole, ["public", "operators"])).to.deep.equal(whole);
  });

  it("describes the answers that are given: an error with its details, a status, and no other one", () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(whole, "openapi");
    const isOf = (name: string, value: unknown) =>
      ajv.validate({ $ref: `openapi#/components/schemas/${name}` }, value);
    const refusal = { reason: "INVALID", field: "user_id", allowed: "must not be empty" } as const;
    const error = errorToJson(toConnectError(refusal, 1_800_000_000_000), undefined);
    expect(isOf("connect.Error", error), ajv.errorsText()).to.equal(true);
    expect(JSON.stringify(error)).to.include("fieldViolations");
    expect(isOf("connect.Error", { ...Object(error), code: "INVALID" })).to.equal(false);
    const status = create(GetCampaignStatusResponseSchema, {
      ...{ state: CampaignState.OPEN, millisToStart: 5n, serverTime: timestampFromMs(1_800_000_000_000) },
    });
    const json = toJson(GetCampaignStatusResponseSchema, status, { alwaysEmitImplicit: true });
    expect(isOf("coupon.v1.GetCampaignStatusResponse", json), ajv.errorsText()).to.equal(true);
    expect(isOf("coupon.v1.GetCampaignStatusResponse", { ...Object(json), soldOut: "no" })).to.equal(false);
    expect(isOf("coupon.v1.GetCampaignStatusResponse", { state: "OPEN" })).to.equal(false);
  });

  describe("is served", () => {
    let app: StubApp;
    before(async () => {
      app = await openStubApp({ parts: ["public"] });
    });
    after(() => app.close());

    type Answer = { status: number | undefined; headers: Record<string, unknown>; body: Buffer };
    const byHttp1 = (method: string, headers: Record<string, string> = {}, path = "/openapi.json") =>
      new Promise<Answer>((resolve, reject) => {
        const sent = request({ port: app.port, path, method, headers, agent: false }, async (response) => {
          const parts: Buffer[] = [];
          for await (const part of response) parts.push(part as Buffer);
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) });
        });
        sent.on("error", reject).end();
      });
    const byHttp2 = () =>
      new Promise<Answer>((resolve) => {
        const session = connect(`http://127.0.0.1:${app.grpcPort}`);
        const stream = session.request({ ":path": "/openapi.json" });
        const parts: Buffer[] = [];
        let headers: Record<string, unknown> = {};
        stream.on("response", (given) => {
          headers = given;
        });
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("close", () => {
          session.close();
          resolve({ status: Number(headers[":status"]), headers, body: Buffer.concat(parts) });
        });
      });

    it("over HTTP/1.1 and HTTP/2: what the port serves, once where its reader has it already", async () => {
      const expected = documentOf(whole, ["public"]);
      const [first, second] = [await byHttp1("GET"), await byHttp2()];
      for (const { status, headers, body } of [first, second]) {
        expect([status, headers["content-type"]]).to.deep.equal([200, "application/json"]);
        expect(JSON.parse(body.toString())).to.deep.equal(expected);
      }
      const zipped = await byHttp1("GET", { "accept-encoding": "br, gzip" }, "/openapi.json?x=1");
      expect(zipped.headers["content-encoding"]).to.equal("gzip");
      expect(gunzipSync(zipped.body).equals(first.body)).to.equal(true);
      const head = await byHttp1("HEAD");
      expect([head.status, head.body.length, head.headers["content-length"]]).to.deep.equal([
        200,
        0,
        String(first.body.length),
      ]);
      const known = await byHttp1("GET", { "if-none-match": String(first.headers["etag"]) });
      expect([known.status, known.body.length]).to.deep.equal([304, 0]);
      expect((await byHttp1("POST")).status).to.equal(404);
    });
  });
});
