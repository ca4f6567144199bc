import type { RareWork, SharedWork, SpanFacts, TracedCall } from "../../runtime/tracer.ts";

/**
 * The names and attributes of spans, by the semantic conventions of OpenTelemetry 1.45 (RPC and databases are
 * stable in them). Ours begin with `coupon.`.
 */

type Attributes = Record<string, string | number | boolean>;
export type SpanShape = { readonly name: string; readonly attributes: Attributes };

/** Where the stores are, as a client sees it. */
export type StoreFacts = {
  readonly database: string;
  /** By store: its host and port; empty: it has several. */
  readonly redis: Attributes;
  readonly mongodb: Attributes;
};

/** Codes that mean that this service failed, by the conventions for gRPC. */
const OUR_FAILURES: ReadonlySet<string> = new Set([
  ...["unknown", "deadline_exceeded", "unimplemented", "internal", "unavailable", "data_loss"],
]);

export function callShape({ system, method, address, port }: TracedCall): SpanShape {
  return {
    name: method,
    attributes: {
      ...{ "rpc.system.name": system, "rpc.method": method },
      ...(address === undefined ? {} : { "server.address": address }),
      ...(port === undefined ? {} : { "server.port": port }),
    },
  };
}

export function sharedShape(
  work: SharedWork,
  campaign: string,
  size: number,
  { database, redis, mongodb }: StoreFacts,
): SpanShape {
  const ours = { "coupon.campaign.id": campaign, "coupon.batch.size": size };
  if (work === "claim batch")
    return {
      name: "EVALSHA claim",
      attributes: {
        ...{ "db.system.name": "redis", "db.operation.name": "EVALSHA", "db.stored_procedure.name": "claim" },
        ...{ ...redis, ...ours },
      },
    };
  return {
    name: "insert issuances",
    attributes: {
      ...{ "db.system.name": "mongodb", "db.namespace": database, "db.collection.name": "issuances" },
      "db.operation.name": "insert",
      ...(size > 1 ? { "db.operation.batch.size": size } : {}),
      ...{ ...mongodb, ...ours },
    },
  };
}

const NAMES: Readonly<Record<RareWork, string>> = {
  make: "make codes",
  load: "load pool",
  arm: "arm campaign",
  end: "end campaign",
  change: "change campaign",
};

export function rareShape(work: RareWork, campaign: string): SpanShape {
  return { name: NAMES[work], attributes: { "coupon.campaign.id": campaign } };
}

/** `isFailure`: the span's status is an error. */
export function factsShape(
  { campaign, outcome, verb, generation, lateMs, code }: SpanFacts,
  system: TracedCall["system"] | undefined,
): { readonly attributes: Attributes; readonly isFailure: boolean } {
  const isFailure = code !== undefined && OUR_FAILURES.has(code);
  const attributes: Attributes = {
    ...(campaign === undefined ? {} : { "coupon.campaign.id": campaign }),
    ...(outcome === undefined ? {} : { "coupon.outcome": outcome }),
    ...(verb === undefined ? {} : { "coupon.change.verb": verb }),
    ...(generation === undefined ? {} : { "coupon.generation": generation }),
    ...(lateMs === undefined ? {} : { "coupon.late": lateMs / 1_000 }),
    // Connect has no code for an answer that is no error.
    ...(code === undefined || (code === "ok" && system === "connectrpc")
      ? {}
      : { "rpc.response.status_code": system === "grpc" ? code.toUpperCase() : code }),
    ...(isFailure ? { "error.type": system === "grpc" ? code.toUpperCase() : code } : {}),
  };
  return { attributes, isFailure };
}

/** The type of an error, and nothing of its message. */
export function errorTypeOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : "_OTHER";
}
