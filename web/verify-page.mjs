// Builds the page that checks certificates: one file with everything in it, which a browser opens from disk
// or from any web server, and which can load and send nothing.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("./verify", import.meta.url));

/** @param {string} text */
const sourceOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** @param {string} folder gets verify.html */
export async function buildVerifyPage(folder) {
  const built = await build({
    configFile: false,
    root,
    logLevel: "warn",
    build: {
      write: false,
      target: "es2022",
      assetsInlineLimit: 0,
      cssCodeSplit: false,
      modulePreload: false,
    },
  });
  const outputs = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
  const script = outputs.flatMap((file) => (file.type === "chunk" ? [file.code] : [])).join("\n");
  /** @param {string} ending */
  const asset = (ending) => {
    const found = outputs.find((file) => file.type === "asset" && file.fileName.endsWith(ending));
    if (found?.type !== "asset")
      throw new Error(`the page that checks certificates was built without ${ending}`);
    return String(found.source);
  };
  const style = asset(".css").trim();
  // Nothing in a script may end it.
  const code = script.trim().replaceAll("</script", "<\\/script");
  const policy = `default-src 'none'; script-src ${sourceOf(code)}; style-src ${sourceOf(style)}; base-uri 'none'; form-action 'none'`;
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<style>${style}</style>`,
  ].join("\n    ");
  const page = asset(".html")
    .replace(/\s*<(?:script|link) [^>]*(?:src|href)="[^"]*"[^>]*>(?:<\/script>)?/g, "")
    .replace("</head>", () => `  ${head}\n  </head>`)
    .replace("</body>", () => `  <script type="module">${code}</script>\n  </body>`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "verify.html"), page);
}
