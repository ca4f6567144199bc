import type { DescMethod, DescService, FileRegistry } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { errorResponses, errorSchemas } from "./errors.ts";
import { commentOf, createSchemas, type Schema, type Schemas } from "./schemas.ts";

const SERVICES = [
  "coupon.v1.CouponService",
  "coupon.v1.CampaignService",
  "coupon.v1.EventService",
  "coupon.v1.RedemptionService",
];
const JSON_TYPE = "application/json";
/** Of the Connect protocol: each message has an envelope of five bytes. */
const STREAM_TYPE = "application/connect+json";

/** Who may call: callers of the public service, where it asks for that, and operators. */
const SECURITY: Readonly<Record<string, readonly object[]>> = {
  "coupon.v1.CouponService": [{}, { claimCredential: [] }],
  "coupon.v1.CampaignService": [{ operatorCredential: [] }],
  "coupon.v1.EventService": [{ operatorCredential: [] }],
  "coupon.v1.RedemptionService": [{ operatorCredential: [] }],
};

/** The OpenAPI 3.1 document of the JSON API: the Connect protocol with JSON, over HTTP. */
export function openApiOf(registry: FileRegistry): object {
  const schemas = createSchemas();
  const services = SERVICES.map((name) => {
    const service = registry.getService(name);
    if (service === undefined) throw new Error(`the contract has no ${name}`);
    return service;
  });
  const paths = services.flatMap((service) =>
    service.methods.map((method) => [
      `/${service.typeName}/${method.name}`,
      pathItem(service, method, schemas),
    ]),
  );
  const errors = errorSchemas(schemas, registry);
  return {
    openapi: "3.1.1",
    info: {
      title: "Coupon issuer",
      version: "v1",
      description:
        "First come, first served coupons. The JSON API is the Connect protocol: each method is a POST of JSON. docs/api.md has the meaning of refusals and the retry rule.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The server that serves this document." }],
    tags: services.map((service) => ({ name: service.typeName, description: commentOf(service) })),
    paths: Object.fromEntries(paths),
    components: {
      schemas: { ...schemas.all(), ...errors },
      responses: errorResponses,
      parameters: {
        ConnectTimeoutMs: {
          name: "Connect-Timeout-Ms",
          in: "header",
          description: "The caller's deadline, in milliseconds.",
          schema: { type: "integer", minimum: 0, maximum: 9_999_999_999 },
        },
      },
      securitySchemes: {
        claimCredential: {
          ...{ type: "http", scheme: "bearer" },
          description: "A token or a key, where CLAIM_AUTH or the campaign's claimAuth asks for one.",
        },
        operatorCredential: {
          ...{ type: "http", scheme: "bearer" },
          description: "A key of an operator, or an access token, whose role covers the method.",
        },
      },
    },
  };
}

function pathItem(service: DescService, method: DescMethod, schemas: Schemas): object {
  const description = commentOf(method);
  const about = {
    tags: [service.typeName],
    summary: `${description.split(/(?<=\.) /, 1)[0]}`,
    description,
    security: SECURITY[service.typeName],
  };
  const type = method.methodKind === "unary" ? JSON_TYPE : STREAM_TYPE;
  const content = (schema: Schema) => ({ [type]: { schema } });
  const answer = {
    description:
      method.methodKind === "unary" ? commentOf(method.output) : `A stream: ${commentOf(method.output)}`,
    content: content(schemas.of(method.output)),
  };
  const refused = {
    "4XX": { $ref: "#/components/responses/Refused" },
    "5XX": { $ref: "#/components/responses/Failed" },
  };
  const parameters = [{ $ref: "#/components/parameters/ConnectTimeoutMs" }];
  const post = {
    ...about,
    operationId: `${service.name}_${method.name}`,
    parameters,
    requestBody: { required: true, content: content(schemas.of(method.input)) },
    // The error of a stream is in its last message.
    responses: { "200": answer, ...refused },
  };
  if (method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS || method.methodKind !== "unary")
    return { post };
  const query = [
    { name: "connect", description: "The version of the protocol.", schema: { const: "v1" } },
    { name: "encoding", description: "The encoding of the message.", schema: { const: "json" } },
    { name: "message", description: "The request, as JSON.", content: content(schemas.of(method.input)) },
  ].map((one) => ({ in: "query", required: true, ...one }));
  const headers = {
    "Cache-Control": { description: "How long a shared cache may keep it.", schema: { type: "string" } },
    ETag: { description: "Of the whole answer.", schema: { type: "string" } },
  };
  const get = {
    ...about,
    operationId: `${service.name}_${method.name}_get`,
    parameters: [...query, ...parameters],
    responses: {
      "200": { ...answer, headers },
      "304": { description: "The answer has the ETag of If-None-Match." },
      ...refused,
    },
  };
  return { get, post };
}
