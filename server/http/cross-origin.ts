import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;
type Listener<Q, S> = (request: Q, response: S) => void;

/** A service, and the pages of other origins that may call it. */
export type OpenService = {
  /** What the paths of its methods begin with. */
  readonly prefix: string;
  /** As browsers write them in Origin. */
  readonly origins: readonly string[];
  /** By path of a method: those of HTTP that call it, as in `POST, GET`. */
  readonly methods: ReadonlyMap<string, string>;
  /** Names of fields that a page may send, and of those of an answer that it may read. */
  readonly allowed: readonly string[];
  readonly exposed: readonly string[];
};

/**
 * Tells browsers which pages of other origins may call and read the answer (CORS): it refuses nothing.
 * Source: fetch.spec.whatwg.org, "HTTP extensions".
 */
export type CrossOrigin = {
  /** Names and values in turn of what an answer to this request needs; the same array for equal ones. */
  fieldsOf(request: Asked): readonly string[];
  /** Sets them on an answer whose head is not written yet. */
  addFields(request: Asked, response: Response): void;
  /** Answers preflights of listed origins; all else is passed on, its answer with its fields. */
  answering<Q extends Request, S extends Response>(listener: Listener<Q, S>): Listener<Q, S>;
};

type Asked = { readonly url?: string | undefined; readonly headers: IncomingHttpHeaders };

/** How long a browser keeps the answer to a preflight: Chromium's longest. */
const PREFLIGHT_KEPT_S = 7_200;
const NONE: readonly string[] = [];
/** Also for requests without Origin: a cache may give their answer to a page. */
const NOT_LISTED: readonly string[] = ["vary", "Origin"];

type Opened = {
  readonly prefix: string;
  /** By origin: the fields of an answer. */
  readonly answers: ReadonlyMap<string | undefined, readonly string[]>;
  /** By path: the fields of the answer to a preflight, beside those of any answer. */
  readonly preflights: ReadonlyMap<string, readonly string[]>;
};

export function createCrossOrigin(services: readonly OpenService[]): CrossOrigin {
  const opened = services.filter(({ origins }) => origins.length > 0).map(open);

  function serviceOf(url: string): Opened | undefined {
    for (const service of opened) if (url.startsWith(service.prefix)) return service;
    return undefined;
  }

  function fieldsOf({ url = "", headers }: Asked): readonly string[] {
    const service = serviceOf(url);
    return service === undefined ? NONE : (service.answers.get(headers.origin) ?? NOT_LISTED);
  }

  function addFields(request: Asked, response: Response): void {
    setFields(response, fieldsOf(request));
  }

  /** undefined: no preflight of a page that may call this path. */
  function preflightOf({ url = "", headers }: Asked): readonly string[] | undefined {
    if (headers["access-control-request-method"] === undefined) return undefined;
    const service = serviceOf(url);
    // A call by GET has its message in the query.
    const [path = ""] = url.split("?", 1);
    return service?.answers.has(headers.origin) === true ? service.preflights.get(path) : undefined;
  }

  return {
    fieldsOf,
    addFields,
    answering: (listener) => (request, response) => {
      addFields(request, response);
      const preflight = request.method === "OPTIONS" ? preflightOf(request) : undefined;
      if (preflight === undefined) return listener(request, response);
      setFields(response, preflight);
      response.writeHead(204);
      response.end();
    },
  };
}

/** Of a server that no page of another origin may call. */
export const OWN_PAGES_ONLY = createCrossOrigin([]);

function setFields(response: Response, fields: readonly string[]): void {
  for (let at = 0; at < fields.length; at += 2)
    response.setHeader(fields[at] as string, fields[at + 1] as string);
}

function open({ prefix, origins, methods, allowed, exposed }: OpenService): Opened {
  const answerTo = (origin: string) => [
    ...["access-control-allow-origin", origin],
    ...["access-control-expose-headers", exposed.join(", ")],
    ...NOT_LISTED,
  ];
  const preflightFor = (http: string) => [
    ...["access-control-allow-methods", http],
    ...["access-control-allow-headers", allowed.join(", ")],
    ...["access-control-max-age", String(PREFLIGHT_KEPT_S)],
  ];
  return {
    prefix,
    answers: new Map(origins.map((origin) => [origin, answerTo(origin)])),
    preflights: new Map([...methods].map(([path, http]) => [path, preflightFor(http)])),
  };
}
