import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { ConnectRouter, ConnectRouterOptions, ContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type GrpcServicesDeps, routeGrpcServices } from "./rpc/grpc-services.ts";

export type GrpcAppDeps = {
  readonly options: ConnectRouterOptions & {
    readonly routes: (router: ConnectRouter) => void;
    readonly contextValues: (request: Http2ServerRequest) => ContextValues;
  };
  /** Called with each request whose path is that of nothing. */
  readonly unknown: (request: Http2ServerRequest) => void;
  /** What the port serves beside the services of `options`. */
  readonly own: GrpcServicesDeps;
};

/** What answers over HTTP/2: gRPC, and the other protocols of the framework. */
export function createGrpcApp({ options, unknown, own }: GrpcAppDeps) {
  const adapt = connectNodeAdapter({
    ...options,
    routes(router) {
      options.routes(router);
      routeGrpcServices(router, own);
    },
    contextValues: (request) => options.contextValues(request as Http2ServerRequest),
    fallback(request, response) {
      unknown(request as Http2ServerRequest);
      response.writeHead(404);
      response.end();
    },
  });
  return (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    // The adapter makes a URL of the authority that the caller sent, and throws where that is invalid.
    try {
      adapt(request, response);
    } catch {
      response.writeHead(400).end();
    }
  };
}
