/**
 * The part of oidc-provider that tests use. Its published types need those of koa, which contradict the types
 * of a package of Express.
 */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  export type Context = { readonly method: string; readonly path: string; body: unknown };

  export class Provider {
    constructor(issuer: string, configuration: object);
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
    callback(): RequestListener;
  }
}
