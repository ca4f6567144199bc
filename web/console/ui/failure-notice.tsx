import type { ComponentChildren } from "preact";
import { useWords } from "../i18n/language.tsx";
import { failureOf, failureText } from "../session/failure-words.ts";
import { Notice } from "./notice.tsx";

/** A failed call: what happened, and the service's own words. */
export function FailureNotice(props: { readonly error: unknown; readonly children?: ComponentChildren }) {
  const words = useWords();
  const text = failureText(props.error, words);
  const { detail } = failureOf(props.error);
  return (
    <Notice kind="alarm">
      <p>{text}</p>
      {detail === "" || text.includes(detail) ? null : (
        <p class="quiet" lang="en">
          {detail}
        </p>
      )}
      {props.children}
    </Notice>
  );
}
