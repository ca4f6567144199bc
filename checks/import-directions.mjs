/**
 * Which room may import which: one table, which counts type imports and has no exception for any file. And no
 * file may import itself through others, type imports included: Biome's noImportCycles ignores those.
 */
import { readFileSync } from "node:fs";
import { posix } from "node:path";

/**
 * A file's room is the longest prefix of its path that is a key here. The business logic (`pool` to
 * `scheduler`) imports nothing of the transports (`server`).
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const mayImport = {
  // Needed by every process.
  runtime: [],
  "proto/gen": [],
  proto: ["proto/gen"],
  codes: ["runtime"],
  // What is hashed and signed so that anyone can check a launch: pure.
  proof: [],
  // The stores.
  pool: ["runtime"],
  record: ["runtime"],
  // The life of campaigns and coupons.
  campaign: ["runtime", "codes", "proof", "pool", "record"],
  "campaign/preflight": ["runtime", "codes", "pool", "record"],
  // Access: the rights of a credential, and the limit on how often its owner may ask.
  access: ["runtime", "campaign"],
  "access/oidc": ["runtime", "access"],
  claims: ["runtime", "codes", "pool", "record", "campaign", "access"],
  redemption: ["runtime", "record", "campaign"],
  generator: ["runtime", "codes", "proof", "pool", "record", "campaign"],
  scheduler: ["runtime", "codes", "pool", "record", "campaign", "campaign/preflight"],
  // What leaves the service: nothing of the above knows it.
  events: ["runtime", "pool", "record", "campaign"],
  "events/sinks": ["runtime", "record", "events"],
  // The audit judges the product, so it uses nothing of it but the names of Redis keys and the parsing of
  // store addresses. Its checks (`audit`) read no store.
  audit: ["runtime"],
  "audit/stores": ["runtime", "pool", "audit"],
  "audit/command": ["runtime", "audit", "audit/stores"],
  // The transports and the process around them.
  "server/readiness": ["runtime", "record"],
  "server/http": ["runtime", "claims", "server/readiness"],
  "server/view": ["runtime", "proto/gen", "codes", "pool", "record", "campaign", "claims"],
  "server/watch": [
    ...["runtime", "proto", "proto/gen", "pool", "record", "campaign", "campaign/preflight", "claims"],
    "server/view",
  ],
  "server/rpc": [
    ...[
      "runtime",
      "proto",
      "proto/gen",
      "codes",
      "proof",
      "pool",
      "record",
      "campaign",
      "campaign/preflight",
      "access",
      "claims",
    ],
    ...["audit", "audit/stores", "server/http", "server/view", "server/watch", "server/readiness"],
  ],
  "server/events": [
    ...["runtime", "proto/gen", "record", "campaign", "access", "claims", "events", "events/sinks"],
    ...["server/http", "server/rpc", "server/watch"],
  ],
  "server/redemption": [
    ...["runtime", "proto/gen", "codes", "record", "campaign", "access", "redemption"],
    ...["server/http", "server/rpc", "server/view"],
  ],
  "server/warm-up": [
    ...["runtime", "proto/gen", "pool", "record", "campaign", "access", "claims"],
    ...["server/http", "server/rpc"],
  ],
  "server/heartbeat": ["runtime", "pool", "record", "claims"],
  "server/workers": ["runtime", "server/http"],
  // What leaves a process for the operator's own systems; loaded only where it is set up.
  "server/telemetry": ["runtime"],
  // The composition root: the only room that may import all of them.
  server: [
    ...["runtime", "proto/gen", "proof", "pool", "record", "campaign", "campaign/preflight"],
    ...["access", "access/oidc"],
    ...[
      "claims",
      "redemption",
      "generator",
      "scheduler",
      "events",
      "events/sinks",
      "audit/stores",
      "server/http",
      "server/view",
      "server/watch",
      "server/rpc",
      "server/events",
      "server/redemption",
    ],
    ...["server/warm-up", "server/heartbeat", "server/workers", "server/telemetry", "server/readiness"],
  ],
  // Checks certificates without anything of the product: it must hold against a product that lies.
  verifier: [],
  // Published alone, for pages and backends: of the repository only the contract.
  client: ["proto", "proto/gen"],
  // Callers and operators: clients of the API alone.
  callers: ["runtime", "proto", "proto/gen", "audit", "client"],
  // Rules and formats for whatever an operator looks at: pure, for a terminal and for a browser.
  operator: ["proto/gen"],
  cli: ["runtime", "proof", "proto", "proto/gen", "audit", "client", "callers", "operator"],
  // The pages for browsers: clients of the API alone.
  web: ["proto", "proto/gen", "operator", "client", "verifier"],
};

/** The rooms of development tools and tests may import any room. */
const workshop = new Set(["local", "openapi", "setup", "checks", "bench", "artillery", "tests"]);

/**
 * @param {readonly string[]} files
 * @param {(file: string) => string} read
 * @returns {string[]} what is wrong
 */
export function wrongImports(files, read = (file) => readFileSync(file, "utf8")) {
  const sources = files.filter((file) => /\.(ts|tsx|mjs|cjs)$/.test(file));
  const imports = new Map(sources.map((file) => [file, importsOf(file, read(file))]));
  const wrong = [];
  for (const [file, targets] of imports) {
    const from = roomOf(file);
    if (from === undefined) {
      if (!workshop.has(file.split("/")[0] ?? "")) wrong.push(`${file}: lies in no room that is known`);
      continue;
    }
    for (const target of targets) {
      const to = roomOf(target);
      if (to === from) continue;
      if (to === undefined || !(mayImport[from] ?? []).includes(to))
        wrong.push(`${file} imports ${target}: ${from} may import ${allowed(from)}`);
    }
  }
  return [...wrong, ...circles(imports)];
}

/** @param {string} room */
function allowed(room) {
  return (mayImport[room] ?? []).join(", ") || "no other room";
}

/** @param {string} file */
function roomOf(file) {
  const parts = posix.dirname(file).split("/");
  for (let length = parts.length; length > 0; length--) {
    const room = parts.slice(0, length).join("/");
    if (room in mayImport) return room;
  }
  return undefined;
}

/**
 * @param {string} file
 * @param {string} text
 */
function importsOf(file, text) {
  const specifiers = text.matchAll(/(?:^|[^.\w])(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/gm);
  return [
    ...new Set([...specifiers].map(([, to = ""]) => posix.normalize(posix.join(posix.dirname(file), to)))),
  ];
}

/**
 * Tarjan's strongly connected components: each of more than one file is a circle.
 *
 * @param {ReadonlyMap<string, readonly string[]>} imports
 */
function circles(imports) {
  /** @type {Map<string, { index: number, low: number, onStack: boolean }>} */
  const marks = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[]} */
  const found = [];

  /** @param {string} file */
  function visit(file) {
    const mark = { index: marks.size, low: marks.size, onStack: true };
    marks.set(file, mark);
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      if (!imports.has(target)) continue;
      const seen = marks.get(target);
      if (seen === undefined) mark.low = Math.min(mark.low, visit(target).low);
      else if (seen.onStack) mark.low = Math.min(mark.low, seen.index);
    }
    if (mark.low === mark.index) {
      const circle = stack.splice(stack.indexOf(file));
      for (const member of circle) {
        const seen = marks.get(member);
        if (seen !== undefined) seen.onStack = false;
      }
      if (circle.length > 1) found.push(`a circle of imports: ${circle.sort().join(", ")}`);
    }
    return mark;
  }

  for (const file of imports.keys()) if (!marks.has(file)) visit(file);
  return found;
}
