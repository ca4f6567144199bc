import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { sourceAddressIn } from "../http/source-address.ts";
import type { Readiness } from "../readiness/readiness.ts";
import { throwIfGone } from "./caller-gone.ts";

export type HealthServiceDeps = {
  readonly readiness: Pick<Readiness, "status" | "onChange">;
  /** The full names of the services that this port serves. */
  readonly services: readonly string[];
  /** Fires when the server drains: streams end then. */
  readonly draining: AbortSignal;
};

/** The most streams of Watch of one port of a process, and of one address on it. */
export const HEALTH_WATCHES_MAX = 500;
export const HEALTH_WATCHES_PER_SOURCE_MAX = 50;

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;
/** The server as a whole. */
const WHOLE = "";

/**
 * The health service of gRPC. Every service of a port has the status of `/readyz`; no store is asked. Source:
 * grpc.io/docs/guides/health-checking.
 */
export function createHealthService(deps: HealthServiceDeps): ServiceImpl<typeof Health> {
  const { readiness, draining } = deps;
  const services = new Set([WHOLE, ...deps.services]);
  const watches = new Map<string, number>();
  let watching = 0;

  const served = () => (readiness.status() === "ready" ? SERVING : NOT_SERVING);

  function enter(address: string): void {
    const own = watches.get(address) ?? 0;
    if (watching >= HEALTH_WATCHES_MAX || own >= HEALTH_WATCHES_PER_SOURCE_MAX)
      throw new ConnectError("too many streams watch the health of this server", Code.ResourceExhausted);
    watching += 1;
    watches.set(address, own + 1);
  }

  function leave(address: string): void {
    const left = (watches.get(address) ?? 0) - 1;
    watching -= 1;
    if (left > 0) watches.set(address, left);
    else watches.delete(address);
  }

  /** Resolves when the status may have changed, or the caller is about to leave. */
  function change(leaving: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const stop = readiness.onChange(done);
      leaving.addEventListener("abort", done);
      function done(): void {
        stop();
        leaving.removeEventListener("abort", done);
        resolve();
      }
    });
  }

  return {
    check({ service }) {
      if (services.has(service)) return { status: served() };
      throw new ConnectError("this port has no such service", Code.NotFound);
    },

    list() {
      const status = served();
      const entries = [...services].map((name) => [name, create(HealthCheckResponseSchema, { status })]);
      return { statuses: Object.fromEntries(entries) };
    },

    async *watch({ service }, { signal, values }: HandlerContext) {
      const address = sourceAddressIn(values);
      enter(address);
      try {
        const leaving = AbortSignal.any([signal, draining]);
        let told: HealthCheckResponse_ServingStatus | undefined;
        for (;;) {
          const status = services.has(service) ? served() : SERVICE_UNKNOWN;
          if (status !== told) {
            told = status;
            yield { status };
          } else if (leaving.aborted) break;
          else await change(leaving);
        }
        throwIfGone(signal);
      } finally {
        leave(address);
      }
    },
  };
}
