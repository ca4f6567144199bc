/**
 * Which room may import which: one table, type imports counted, no exception for any file. And no file may
 * import itself by way of others, types included: Biome's noImportCycles forgives those.
 */
import { readFileSync } from "node:fs";
import { posix } from "node:path";

/**
 * A room: the longest prefix of a path that is named here. What happens (`pool` to `scheduler`) knows nothing
 * of how it is served (`server`).
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const mayImport = {
  // What any process needs.
  runtime: [],
  "proto/gen": [],
  proto: ["proto/gen"],
  codes: ["runtime"],
  // The stores.
  pool: ["runtime"],
  record: ["runtime"],
  // What happens to campaigns and coupons.
  campaign: ["runtime", "codes", "pool", "record"],
  "campaign/preflight": ["runtime", "pool", "record"],
  // Who may ask: what a credential proves, and how often its owner may ask.
  access: ["runtime", "campaign"],
  claims: ["runtime", "codes", "pool", "record", "campaign", "access"],
  generator: ["runtime", "codes", "pool", "record", "campaign"],
  scheduler: ["runtime", "codes", "pool", "record", "campaign", "campaign/preflight"],
  // It judges the product, so it uses nothing of it but the names of keys and addresses: its checks read no
  // store.
  audit: ["runtime"],
  "audit/stores": ["runtime", "pool", "audit"],
  "audit/command": ["runtime", "audit", "audit/stores"],
  // How it is served.
  "server/http": ["runtime", "claims"],
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
      "pool",
      "record",
      "campaign",
      "campaign/preflight",
      "access",
      "claims",
    ],
    ...["audit", "audit/stores", "server/http", "server/view", "server/watch"],
  ],
  "server/presence": ["runtime", "pool", "record", "claims"],
  "server/workers": ["runtime", "server/http"],
  // The composition root: the only place that sees all of them.
  server: [
    ...["runtime", "proto/gen", "pool", "record", "campaign", "campaign/preflight", "access"],
    ...[
      "claims",
      "generator",
      "scheduler",
      "audit/stores",
      "server/http",
      "server/view",
      "server/watch",
      "server/rpc",
    ],
    ...["server/presence", "server/workers"],
  ],
  // Callers and operators: clients of the API alone.
  callers: ["runtime", "proto", "proto/gen", "audit"],
  cli: ["runtime", "proto", "proto/gen", "audit", "callers"],
};

/** Rooms of the workshop see the product as they need it. */
const workshop = new Set(["local", "setup", "checks", "bench", "artillery", "tests"]);

/**
 * @param {readonly string[]} files
 * @param {(file: string) => string} read
 * @returns {string[]} what is wrong
 */
export function wrongImports(files, read = (file) => readFileSync(file, "utf8")) {
  const sources = files.filter((file) => /\.(ts|mjs|cjs)$/.test(file));
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
