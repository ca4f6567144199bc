import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import helmet from "helmet";
import type { ServicePart } from "../../runtime/listeners.ts";

/** Where the build puts the pages: beside the sources and beside the built service alike. */
export const WEB_FOLDER = fileURLToPath(new URL("../../web/dist", import.meta.url));

/** A page for browsers: `/console` is the operators', `/launch/ID` is the customers'. */
export type WebPage = "console" | "launch";

type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/** Answers a request for a page or one of its files, over HTTP/1.1 and HTTP/2; false: it is for another. */
export type WebPages = (request: AnyRequest, response: AnyResponse) => boolean;

/**
 * What a page may do: run its own scripts and styles, and call the service that it came from. No inline
 * script or style, no frame, no form, no other host. Source: W3C, Content Security Policy Level 3.
 */
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The names of these files hold a digest of their content. */
const HASHED = /^\/assets\//;
/**
 * What the path of a launch page names behind `/launch`: a campaign's id, in any case, perhaps with the end
 * of the sentence in which a messenger found the link.
 */
const CAMPAIGN = /^\/[0-9A-Za-z]{1,64}[.,;:!)]{0,3}\/?$/;
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
/** The codings in which the build leaves files, the best first. */
const CODINGS = [
  [".br", "br"],
  [".gz", "gzip"],
] as const;

/** Each page belongs to a service: the console calls that of operators. */
export function webPagesOf(parts: readonly ServicePart[], launchPage = false): WebPage[] {
  const isServed = { console: parts.includes("operators"), launch: parts.includes("public") && launchPage };
  return (["console", "launch"] as const).filter((page) => isServed[page]);
}

type Kept = { readonly body: Buffer; readonly etag: string };

/** The built pages of `folder`. A page that was not built is answered 404, and says so. */
export function createWebPages(pages: readonly WebPage[], folder = WEB_FOLDER): WebPages {
  const files = new Map(pages.map((page) => [page, readFiles(join(folder, page))]));
  const setHeaders = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: POLICY },
    // Which hosts speak TLS, and for how long, is for the deployment to say.
    strictTransportSecurity: false,
    referrerPolicy: { policy: "no-referrer" },
    xFrameOptions: { action: "deny" },
  });

  return (request, response) => {
    const { method = "", url = "" } = request;
    const [, page = "", rest = ""] = /^\/(console|launch)(\/[^?]*)?(?:\?.*)?$/.exec(url) ?? [];
    const own = files.get(page as WebPage);
    if (!files.has(page as WebPage) || (method !== "GET" && method !== "HEAD")) return false;
    if (own === undefined) return send(response as ServerResponse, 404, notBuilt(page));
    const isPage = rest === "" || rest === "/" || (page === "launch" && CAMPAIGN.test(rest));
    const path = isPage ? "/index.html" : rest;
    const type = TYPES[extname(path)];
    if (type === undefined || !own.has(path)) return false;
    // Both kinds of messages have what helmet uses.
    setHeaders(request as IncomingMessage, response as ServerResponse, () =>
      sendFile(request, response as ServerResponse, own, path, type),
    );
    return true;
  };
}

function notBuilt(page: string): Buffer {
  const message = `the page /${page} was not built: npm run build:web`;
  return Buffer.from(JSON.stringify({ code: "unimplemented", message }));
}

function send(response: ServerResponse, status: number, json: Buffer): true {
  response.writeHead(status, { "content-type": "application/json", "content-length": json.length });
  response.end(json);
  return true;
}

function sendFile(
  { method, headers }: AnyRequest,
  response: ServerResponse,
  own: ReadonlyMap<string, Kept>,
  path: string,
  type: string,
): void {
  const accepted = String(headers["accept-encoding"] ?? "");
  const coded = CODINGS.find(([ending, coding]) => accepted.includes(coding) && own.has(path + ending));
  const file = own.get(path + (coded?.[0] ?? ""));
  if (file === undefined) return;
  response.setHeader("vary", "Accept-Encoding");
  response.setHeader("cache-control", HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
  response.setHeader("etag", file.etag);
  if (headers["if-none-match"]?.includes(file.etag) === true) {
    response.writeHead(304);
    response.end();
    return;
  }
  response.setHeader("content-type", type);
  response.setHeader("content-length", file.body.length);
  if (coded !== undefined) response.setHeader("content-encoding", coded[1]);
  response.writeHead(200);
  if (method === "HEAD") response.end();
  else response.end(file.body);
}

/**
 * The files are few and small, and kept in memory: a request opens none, so that a caller that leaves in the
 * middle of an answer leaves no open file behind, and a build beside a running service takes none away. All
 * answers share the same bytes. Undefined: there is no such folder.
 */
function readFiles(folder: string): ReadonlyMap<string, Kept> | undefined {
  if (!existsSync(folder)) return undefined;
  const files = new Map<string, Kept>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const body = readFileSync(path);
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    files.set(`/${relative(folder, path).split(sep).join("/")}`, { body, etag });
  }
  return files;
}
