import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useWords } from "../i18n/language.tsx";

type DialogProps = {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Called when the person closes the dialog, by Escape too. */
  onClose(): void;
  /** True: neither Escape nor the close button closes it, because a call is under way. */
  readonly locked?: boolean;
};

/**
 * A modal dialog while it is mounted. The focus stays inside and then returns to the element that had it
 * before.
 */
export function Dialog({ title, children, onClose, locked = false }: DialogProps) {
  const { t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!locked) onClose();
      }}
      onKeyDown={(event) => {
        if (locked && event.key === "Escape") event.preventDefault();
      }}
      // A browser may close a dialog against the page's will: Chromium at the second Escape in a row.
      onClose={() => (locked ? dialog.current?.showModal() : onClose())}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button
          type="button"
          class="button button-quiet"
          aria-label={t("app.close")}
          onClick={() => {
            if (!locked) onClose();
          }}
        >
          ✕
        </button>
      </div>
      {children}
    </dialog>
  );
}
