import { type Verdict, verifyFile } from "../../verifier/verify.mjs";
import { browserTools } from "./browser-tools.ts";

/** The page that checks the files of docs/proof.md. It asks no server for anything. */

const WORDS = {
  holds: { mark: "✓", word: "shown", ko: "확인" },
  note: { mark: "–", word: "note", ko: "참고" },
  refused: { mark: "✗", word: "refused", ko: "거부" },
} as const;

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks ${id}`);
  return found;
}

const input = (id: string) => element(id, HTMLInputElement);
const result = element("result", HTMLElement);
const button = element("form", HTMLFormElement).querySelector("button");

/** Safari cannot iterate over a stream. */
async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

async function given() {
  const texts = ["public-key", "code", "user", "request"].map((id) => input(id).value.trim());
  const [publicKey, code, user, request] = texts;
  const saved = input("commitment").files?.[0];
  const certificate = input("certificate").files?.[0];
  return {
    ...(publicKey ? { publicKey } : {}),
    ...(code ? { code } : {}),
    ...(user ? { user } : {}),
    ...(request ? { request } : {}),
    ...(certificate === undefined ? {} : { certificate: chunksOf(certificate) }),
    ...(saved === undefined ? {} : { commitment: (await saved.text()).split("\n") }),
  };
}

async function check(): Promise<void> {
  const file = input("file").files?.[0];
  if (file === undefined) return;
  result.replaceChildren(line("p", "…"));
  if (button !== null) button.disabled = true;
  try {
    show(await verifyFile(chunksOf(file), browserTools, await given()));
  } catch (error) {
    result.replaceChildren(line("p", `The file cannot be read: ${String(error)}`, "verdict"));
  } finally {
    if (button !== null) button.disabled = false;
  }
}

function show({ ok, kind, campaign, findings }: Verdict): void {
  const verdict = line("p", ok ? "It holds · 유효합니다" : "It is refused · 거부되었습니다", "verdict");
  const about = line("p", campaign === undefined ? kind : `${kind}, ${campaign}`);
  const list = document.createElement("ul");
  for (const { level, reason, text } of findings) {
    const { mark, word, ko } = WORDS[level];
    const item = line("li", `${mark} ${word} · ${ko}: `, "level");
    item.className = level;
    item.append(reason === undefined ? text : `${reason}: ${text}`);
    list.append(item);
  }
  result.dataset["ok"] = String(ok);
  result.replaceChildren(verdict, about, list);
}

function line(tag: "p" | "li", text: string, className = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

element("form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void check();
});
