import type { Scene } from "./scene.ts";

const DRAWINGS: Readonly<Record<Scene["tone"], string>> = {
  calm: "M16 24h.01M24 24h.01M32 24h.01",
  good: "M12 18h24v4a3 3 0 0 0 0 6v4H12v-4a3 3 0 0 0 0-6zM28 19v10",
  over: "M16 24h16",
  trouble: "M24 14v12M24 33h.01",
};

/** Says in a drawing what the message says in words. */
export function Sign({ tone, isBusy }: { readonly tone: Scene["tone"]; readonly isBusy: boolean }) {
  return (
    <svg class={isBusy ? "sign busy" : "sign"} viewBox="0 0 48 48" aria-hidden="true">
      <circle cx="24" cy="24" r="21" />
      <path d={DRAWINGS[tone]} />
    </svg>
  );
}
