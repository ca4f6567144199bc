import type { ConnectRouter, ConnectRouterOptions, ContextValues } from "@connectrpc/connect";
import { expressConnectMiddleware } from "@connectrpc/connect-express";
import type { Express, NextFunction, Request, Response } from "express";
import { createBareApp } from "./http/bare-app.ts";
import { shortenDeadlines } from "./http/long-deadlines.ts";
import { addPages, type PagesDeps } from "./http/pages.ts";
import type { WebPages } from "./http/web-pages.ts";
import { errorBody } from "./rpc/error-info.ts";
import { CACHE_CONTROL, NOT_KEPT } from "./rpc/status-caching.ts";

export type FrameworkAppDeps = {
  readonly options: ConnectRouterOptions & {
    readonly routes: (router: ConnectRouter) => void;
    readonly contextValues: (request: Request) => ContextValues;
  };
  /** undefined: they are served on another port. */
  readonly pages: PagesDeps | undefined;
  readonly webPages: WebPages;
  /** Called with each request whose path is that of nothing. */
  readonly unknown: (request: Request) => void;
};

/** The Express app behind the fast path: the pages, then Connect, gRPC-Web and JSON over HTTP/1.1. */
export function createFrameworkApp({ options, pages, webPages, unknown }: FrameworkAppDeps): Express {
  const app = createBareApp();
  if (pages !== undefined) addPages(app, pages);
  app.use((request, response, next) => void (webPages(request, response) || next()));
  app.use((request, response, next) => {
    shortenDeadlines(request.headers);
    // Whatever is not said to be kept is not, such as a refusal before any method runs.
    if (request.method === "GET") response.setHeader(CACHE_CONTROL, NOT_KEPT);
    next();
  });
  app.use(expressConnectMiddleware(options));
  app.use((request: Request, response: Response) => {
    const { method, path } = request;
    unknown(request);
    response.status(404).json(errorBody("unimplemented", `${method} ${path} is not served here`));
  });
  // Answers requests that cannot be routed, such as one with an invalid Host. Express recognises an error
  // handler by its four parameters.
  app.use((_: unknown, __: Request, response: Response, ___: NextFunction) => {
    if (response.headersSent) response.destroy();
    else response.status(400).json(errorBody("invalid_argument", "the request cannot be understood"));
  });
  return app;
}
