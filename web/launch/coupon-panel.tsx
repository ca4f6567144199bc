import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { checkTyped } from "./code-check.ts";
import type { KeptCoupon } from "./kept.ts";
import { issuedText } from "./times.ts";
import type { Words } from "./words.ts";

export type CouponProps = {
  readonly words: Words;
  readonly coupon: KeptCoupon;
  readonly codeRef: RefObject<HTMLParagraphElement | null>;
};

/** The code, large, in parts that the eye can hold. Copied, it is the code alone. */
export function CouponStage({ words, coupon, codeRef }: CouponProps) {
  return (
    <div class="coupon">
      <p class="label">{words.code}</p>
      <p class="code" lang="ko" ref={codeRef}>
        {partsOf(coupon.code).map((part, at) => (
          <span key={at}>{part}</span>
        ))}
      </p>
      <p class="label">{words.issued(issuedText(words.lang, new Date(coupon.issuedAtMs)))}</p>
    </div>
  );
}

const PART_MAX = 4;

/** Syllables and digits apart, and no part longer than four. */
function partsOf(code: string): string[] {
  return (code.match(/\d+|\D+/g) ?? []).flatMap((run) => {
    const characters = [...run];
    const size = Math.ceil(characters.length / Math.ceil(characters.length / PART_MAX));
    const parts = [];
    for (let i = 0; i < characters.length; i += size) parts.push(characters.slice(i, i + size).join(""));
    return parts;
  });
}

/** Compares what the customer types back with the code, here in the page: it works offline. */
export function CodeCheck({ words, code }: { readonly words: Words; readonly code: string }) {
  const [typed, setTyped] = useState({ text: "", isComposing: false });
  const checked = checkTyped(code, typed.text, typed.isComposing);
  const { empty, right, unfinished, wrong } = words.typed;
  const told = {
    empty: () => empty,
    right: () => right,
    unfinished: () => (checked.kind === "unfinished" ? unfinished(checked.typed, checked.length) : ""),
    wrong: () => (checked.kind === "wrong" ? wrong(checked.at) : ""),
  }[checked.kind]();
  return (
    <div class="field">
      <label for="typed-back">{words.typeBack}</label>
      <input
        id="typed-back"
        lang="ko"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby="typed-back-told"
        aria-invalid={checked.kind === "wrong"}
        maxLength={64}
        onInput={(event) =>
          setTyped({ text: event.currentTarget.value, isComposing: (event as InputEvent).isComposing })
        }
        onCompositionEnd={(event) => setTyped({ text: event.currentTarget.value, isComposing: false })}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.preventDefault();
        }}
      />
      <p class={`told ${checked.kind}`} id="typed-back-told" role="status">
        {told}
      </p>
    </div>
  );
}
