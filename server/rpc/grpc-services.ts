import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { ErrorInfoSchema } from "../../proto/gen/google/rpc/error_details_pb.ts";
import { Health } from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../proto/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../proto/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import type { ServicePart } from "../../runtime/listeners.ts";
import { createContractFiles } from "./contract-files.ts";
import { createHealthService, type HealthServiceDeps } from "./health-service.ts";
import { createReflectionService } from "./reflection-service.ts";
import { type RouteDeps, routeService } from "./routes.ts";
import { servicesOf } from "./services.ts";

export type GrpcServicesDeps = RouteDeps &
  Pick<HealthServiceDeps, "readiness" | "draining"> & {
    /** What this port serves of the contract. */
    readonly parts: readonly ServicePart[];
    /** Whether tools may ask for the contract of this port (GRPC_REFLECTION). Default: not. */
    readonly reflects?: boolean | undefined;
  };

/** The health of a server, which a balancer asks for: as a page of it, it never waits behind other calls. */
export const HEALTH_CHECK_PATH = `/${Health.typeName}/${Health.method.check.name}`;

/** The types of the details of errors: tools read those, too. */
const DETAILS = [RefusalSchema.file, ErrorInfoSchema.file];

/** What a port for gRPC serves beside the services of the contract: its health, and its own contract. */
export function routeGrpcServices(router: ConnectRouter, deps: GrpcServicesDeps): void {
  const { parts, reflects = false } = deps;
  const services = servicesOf(parts);
  const told = { clock: deps.clock, tellTrouble: deps.tellTrouble };
  const names = services.map(({ typeName }) => typeName);
  routeService(router, Health, createHealthService({ ...deps, services: names }), told);
  if (!reflects) return;
  const all = [...services, Health, ServerReflection, ServerReflectionAlpha];
  const reflection = createReflectionService({ services: all, files: createContractFiles(all, DETAILS) });
  routeService(router, ServerReflection, reflection, told);
  // Both versions have the same messages, under other names.
  const alpha = reflection as unknown as ServiceImpl<typeof ServerReflectionAlpha>;
  routeService(router, ServerReflectionAlpha, alpha, told);
}
