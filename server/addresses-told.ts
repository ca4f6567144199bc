import type { ListenerAddresses } from "../runtime/listeners.ts";

/**
 * Where a process or a group of workers serves what, for the line that says that it is ready.
 * `servesOperators`: it serves CampaignService, and so the console.
 */
export function toldAddresses(addresses: ListenerAddresses, servesOperators: boolean): string {
  const { http, grpc, operators, operatorsGrpc, health } = addresses;
  const console = servesOperators ? (operators ?? http) : undefined;
  const served = (url: string, grpcUrl: string | undefined) =>
    `on ${url}${grpcUrl === undefined ? "" : ` (gRPC on ${grpcUrl})`}`;
  const told = [
    ...(http === undefined ? [] : [served(http, grpc)]),
    ...(operators === undefined ? [] : [`for operators ${served(operators, operatorsGrpc)}`]),
    ...(console === undefined ? [] : [`with the console on ${console}/console`]),
    ...(health === undefined ? [] : [`with health pages on ${health}`]),
  ];
  return told.join(", ");
}
