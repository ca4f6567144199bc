import express, { type Express } from "express";

/**
 * An app without Express' conveniences. A path is served in its one spelling only: `/METRICS` or `/metrics/`
 * would go around a proxy's rule that denies `/metrics`.
 */
export function createBareApp(): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.enable("case sensitive routing");
  app.enable("strict routing");
  return app;
}
