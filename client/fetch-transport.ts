import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { codeFromHttpStatus, errorFromJson } from "@connectrpc/connect/protocol-connect";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS, whose enum would bring its whole descriptor. */
const NO_SIDE_EFFECTS = 1;
const BINARY = "application/proto";
/** The protocol has ten digits for it. */
const TIMEOUT_MOST_MS = 9_999_999_999;

/**
 * Unary calls of the Connect protocol (https://connectrpc.com/docs/protocol, version 1) in the binary format,
 * over fetch, without streams, interceptors and compression by the client: much smaller than
 * @connectrpc/connect-web. A method without side effects is a GET, which caches can answer.
 */
export function createFetchTransport(baseUrl: string, fetch: Fetch): Transport {
  const root = baseUrl.replace(/\/+$/, "");
  return {
    async unary(method, signal, timeoutMs, header, input) {
      const headers = new Headers(header);
      const body = toBinary(method.input, create(method.input, input));
      let url = `${root}/${method.parent.typeName}/${method.name}`;
      const init: RequestInit = { method: "GET", headers, signal: signal ?? null };
      if (method.idempotency === NO_SIDE_EFFECTS) {
        // No header of our own: a page of another origin then needs no preflight.
        url += `?connect=v1&encoding=proto&base64=1&message=${base64Encode(body, "url")}`;
      } else {
        headers.set("connect-protocol-version", "1");
        headers.set("content-type", BINARY);
        if (timeoutMs !== undefined)
          headers.set("connect-timeout-ms", String(Math.min(TIMEOUT_MOST_MS, Math.ceil(timeoutMs))));
        Object.assign(init, { method: "POST", body });
      }
      const response = await fetch(url, init);
      const message = await read(response, method.output);
      const trailer = new Headers();
      return { stream: false, service: method.parent, method, header: response.headers, trailer, message };
    },
    stream() {
      throw new ConnectError("this transport has no streams", Code.Unimplemented);
    },
  };
}

async function read<O extends DescMessage>(response: Response, output: O): Promise<MessageShape<O>> {
  const type = response.headers.get("content-type")?.split(";")[0]?.trim();
  if (!response.ok) throw await errorOf(response);
  if (type !== BINARY)
    throw new ConnectError(`an answer of the type ${type ?? "none"}`, Code.Unknown, response.headers);
  return fromBinary(output, new Uint8Array(await response.arrayBuffer()));
}

/**
 * Of 4xx these alone may have another end: a time-out, too early, too many requests; and 400, by which a
 * server also answers a request that was cut off on its way.
 */
const PASSING_STATUSES: readonly number[] = [400, 408, 425, 429];

/** Connect's code, but for a request that a proxy does not take, such as one whose header is too large. */
function codeOf(status: number): Code {
  const code = codeFromHttpStatus(status);
  const isRefused = status >= 400 && status < 500 && !PASSING_STATUSES.includes(status);
  return isRefused && (code === Code.Internal || code === Code.Unknown) ? Code.FailedPrecondition : code;
}

async function errorOf(response: Response): Promise<ConnectError> {
  const { status, headers } = response;
  const bare = new ConnectError(`HTTP ${status}`, codeOf(status), headers);
  try {
    return errorFromJson(await response.json(), headers, bare);
  } catch {
    return bare;
  }
}
