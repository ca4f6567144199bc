import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { ServicePart } from "../../runtime/listeners.ts";
import type { WebPages } from "../http/web-pages.ts";
import { servicesOf } from "./services.ts";

/** Beside the sources and beside the built service alike; `npm run generate` writes it. */
const FILE = new URL("../../proto/openapi.json", import.meta.url);
const PATH = "/openapi.json";
const SCHEMA = "#/components/schemas/";

type Json = Readonly<Record<string, unknown>>;
export type OpenApi = {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Json;
  readonly components: { readonly schemas: Json; readonly securitySchemes: Json; readonly responses: Json };
};

/** `pages`, and the OpenAPI document of what the port serves, over HTTP/1.1 and HTTP/2. */
export function withOpenApi(pages: WebPages, parts: readonly ServicePart[]): WebPages {
  const document = documentOf(JSON.parse(readFileSync(FILE, "utf8")), parts);
  const body = Buffer.from(JSON.stringify(document));
  const zipped = gzipSync(body);
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;

  return (request, given) => {
    const { method, url = "", headers } = request;
    const isAsked = url === PATH || url.startsWith(`${PATH}?`);
    if (!isAsked || (method !== "GET" && method !== "HEAD")) return pages(request, given);
    // Both kinds of responses have what is used here.
    const response = given as ServerResponse;
    response.setHeader("vary", "Accept-Encoding");
    response.setHeader("cache-control", "no-cache");
    response.setHeader("etag", etag);
    if (headers["if-none-match"]?.includes(etag) === true) {
      response.writeHead(304);
      response.end();
      return true;
    }
    const isZipped = String(headers["accept-encoding"] ?? "").includes("gzip");
    const sent = isZipped ? zipped : body;
    if (isZipped) response.setHeader("content-encoding", "gzip");
    response.setHeader("x-content-type-options", "nosniff");
    response.writeHead(200, { "content-type": "application/json", "content-length": sent.length });
    if (method === "HEAD") response.end();
    else response.end(sent);
    return true;
  };
}

/** The document without the methods of other parts, and without the schemas that these alone need. */
export function documentOf(whole: OpenApi, parts: readonly ServicePart[]): OpenApi {
  const names = servicesOf(parts).map(({ typeName }) => typeName);
  const paths = kept(whole.paths, (path) => names.some((name) => path.startsWith(`/${name}/`)));
  const { schemas, securitySchemes, responses } = whole.components;
  const needed = schemasOf([paths, responses], schemas);
  const asked = JSON.stringify(paths);
  return {
    ...whole,
    tags: whole.tags.filter(({ name }) => names.includes(name)),
    paths,
    components: {
      ...whole.components,
      schemas: kept(schemas, (name) => needed.has(name)),
      securitySchemes: kept(securitySchemes, (name) => asked.includes(`{"${name}":[]}`)),
    },
  };
}

function kept(all: Json, isKept: (name: string) => boolean): Json {
  return Object.fromEntries(Object.entries(all).filter(([name]) => isKept(name)));
}

/** The schemas to which these lead, one by way of another. */
function schemasOf(from: unknown, schemas: Json): Set<string> {
  const found = new Set<string>();
  const left = [from];
  for (const one of left) {
    if (typeof one !== "object" || one === null) continue;
    left.push(...Object.values(one));
    const { $ref } = one as { readonly $ref?: unknown };
    if (typeof $ref !== "string" || !$ref.startsWith(SCHEMA)) continue;
    const name = $ref.slice(SCHEMA.length);
    if (!found.has(name)) left.push(schemas[name]);
    found.add(name);
  }
  return found;
}
