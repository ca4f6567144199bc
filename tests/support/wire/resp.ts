import { createHash } from "node:crypto";
import type { Frame, Protocol } from "./frames.ts";

const EOL = "\r\n";

/** The end of a RESP2 or RESP3 value; -1 while it is incomplete. */
export function respEnd(bytes: Buffer, at: number): number {
  const eol = bytes.indexOf(EOL, at, "latin1");
  if (eol < 0) return -1;
  const count = () => Number(bytes.toString("latin1", at + 1, eol));
  let end = eol + EOL.length;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case "$":
    case "=":
    case "!": {
      if (count() < 0) return end;
      end += count() + EOL.length;
      return end <= bytes.length ? end : -1;
    }
    case "*":
    case "~":
    case ">":
      return valuesEnd(bytes, end, count());
    case "%":
      return valuesEnd(bytes, end, count() * 2);
    case "|": // attributes: their value follows
      return valuesEnd(bytes, end, count() * 2 + 1);
    default:
      return end;
  }
}

function valuesEnd(bytes: Buffer, first: number, count: number): number {
  let end = first;
  for (let i = 0; i < count && end >= 0; i += 1) end = respEnd(bytes, end);
  return end;
}

/** The first two strings of a command; fewer if it has fewer. */
function commandWords(frame: Buffer): string[] {
  const words: string[] = [];
  let at = frame.indexOf(EOL, 0, "latin1") + EOL.length;
  while (words.length < 2 && at < frame.length) {
    const end = respEnd(frame, at);
    if (end < 0) break;
    const start = frame.indexOf(EOL, at, "latin1") + EOL.length;
    words.push(frame.toString("utf8", start, end - EOL.length));
    at = end;
  }
  return words;
}

/** `scripts`: the text of each script by its name, which is the kind of a request that calls the script. */
export function redisProtocol(scripts: ReadonlyMap<string, string>): Protocol {
  const nameOfSha = new Map<string, string>();
  for (const [name, text] of scripts) nameOfSha.set(shaOf(text), name);
  return {
    pairing: "fifo",
    requests: {
      frameEnd: respEnd,
      read(frame) {
        const [word = "", script = ""] = commandWords(frame);
        const command = word.toLowerCase();
        const sha = command === "evalsha" ? script : command === "eval" ? shaOf(script) : undefined;
        return { kind: sha === undefined ? command : (nameOfSha.get(sha) ?? command), id: 0, unasked: false };
      },
    },
    replies: {
      frameEnd: respEnd,
      read(frame) {
        const unasked = frame[0] === ">".charCodeAt(0);
        const error = frame[0] === "-".charCodeAt(0) ? { error: codeOf(frame) } : {};
        return { kind: "", id: 0, unasked, ...error };
      },
    },
    renamed,
  };
}

/** `MOVED` of `-MOVED 3999 127.0.0.1:6381`. */
function codeOf(frame: Buffer): string {
  return /^-(\S*)/.exec(frame.toString("latin1", 0, 64))?.[1] ?? "";
}

/** The replies in which a cluster or a Sentinel names nodes, all on the host of the proxies. */
const REDIRECTION = /^-(MOVED|ASK) \d+ 127\.0\.0\.1:(\d+)/;
const NAMES_NODES = new Set(["cluster", "sentinel"]);
/** A host, and behind it its port: a number (CLUSTER SLOTS) or a text (SENTINEL). */
const NODE = /(\$9\r\n127\.0\.0\.1\r\n)(?:(?:\$4\r\nport\r\n)?\$\d\r\n(\d+)|:(\d+))\r\n/g;

function renamed(reply: Frame, doorOf: (port: number) => number | undefined): Buffer | undefined {
  if (reply.error !== undefined) {
    const port = REDIRECTION.exec(reply.bytes.toString("latin1"))?.[2];
    const door = doorOf(Number(port));
    return door === undefined ? undefined : Buffer.from(`${reply.bytes}`.replace(`:${port}`, `:${door}`));
  }
  if (!NAMES_NODES.has(reply.kind)) return undefined;
  const text = reply.bytes.toString("latin1");
  return Buffer.from(
    text.replace(NODE, (whole, host: string, asText?: string, asNumber?: string) => {
      const door = doorOf(Number(asText ?? asNumber));
      if (door === undefined) return whole;
      return asText === undefined
        ? `${host}:${door}\r\n`
        : whole.replace(`$${asText.length}\r\n${asText}`, `$${String(door).length}\r\n${door}`);
    }),
    "latin1",
  );
}

function shaOf(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
