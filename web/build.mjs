// Builds the pages for browsers, the operators' console and the launch page: `node web/build.mjs [FOLDER]`,
// default web/dist.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync, constants as zlib } from "node:zlib";
import { build } from "vite";
import { PAGES, sizesOf } from "./sizes.mjs";
import { buildVerifyPage } from "./verify-page.mjs";

const web = fileURLToPath(new URL(".", import.meta.url));

/** Files below this size are not worth a compressed copy. */
const COMPRESSED_FROM_BYTES = 1_024;

/**
 * Names in the page the files of code that it loads later, as `<link rel="later">`, so that it may fetch them
 * before it runs them.
 *
 * @param {string} base
 * @returns {import("vite").Plugin}
 */
function tellLaterFiles(base) {
  return {
    name: "tell-later-files",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
        // Those of the page's own file: what they load in turn is for pages that few look at.
        const named = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap((file) => file.dynamicImports));
        const later = chunks.filter(({ fileName }) => named.has(fileName));
        return later.map(({ fileName }) => ({
          ...{ tag: "link", injectTo: /** @type {const} */ ("head") },
          attrs: { rel: "later", href: `${base}${fileName}` },
        }));
      },
    },
  };
}

/**
 * Each file also gets its compressed copies (`.gz`, `.br`), so that a server compresses nothing.
 *
 * @param {string} folder
 */
export async function buildWeb(folder) {
  for (const page of PAGES) {
    const outDir = join(folder, page);
    const base = `/${page}/`;
    await build({
      configFile: false,
      root: join(web, page),
      base,
      logLevel: "warn",
      plugins: [tellLaterFiles(base)],
      oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
      build: {
        outDir,
        emptyOutDir: true,
        target: "es2022",
        // Content-Security-Policy allows no `data:` and no inline script.
        assetsInlineLimit: 0,
        // One small file: a part that is loaded later waits for no style of its own.
        cssCodeSplit: false,
        modulePreload: { polyfill: false },
      },
    });
    compress(outDir);
  }
  await buildVerifyPage(folder);
}

/** @param {string} folder */
function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(html|js|css|svg|json)$/.test(name)) continue;
    const file = join(folder, name);
    const bytes = readFileSync(file);
    if (bytes.length < COMPRESSED_FROM_BYTES) continue;
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: zlib.Z_BEST_COMPRESSION }));
    writeFileSync(`${file}.br`, brotliCompressSync(bytes));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? join(web, "dist");
  await buildWeb(folder);
  for (const { page, files, bytes } of sizesOf(folder))
    process.stdout.write(`/${page}: ${files} files, ${(bytes / 1_000).toFixed(1)} kB gzipped\n`);
}
