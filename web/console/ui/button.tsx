import type { ComponentChildren } from "preact";

type ButtonProps = {
  readonly children: ComponentChildren;
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly type?: "button" | "submit";
  readonly onClick?: () => void;
  /** Why it cannot be pressed, shown and read out: the button can be focused, so that the reason is found. */
  readonly disabledBecause?: string | undefined;
  /** Called with the reason where it is pressed all the same: a finger sees no title. */
  readonly onDisabledPress?: (why: string) => void;
  readonly busy?: boolean;
  readonly id?: string;
};

export function Button(props: ButtonProps) {
  const { children, kind = "plain", type = "button", onClick, disabledBecause, busy = false, id } = props;
  const { onDisabledPress } = props;
  const isOff = busy || disabledBecause !== undefined;
  return (
    <button
      id={id}
      type={type}
      class={`button button-${kind}`}
      aria-disabled={isOff ? "true" : undefined}
      aria-busy={busy ? "true" : undefined}
      title={disabledBecause}
      onClick={(event) => {
        if (!isOff) return onClick?.();
        event.preventDefault();
        if (disabledBecause !== undefined) onDisabledPress?.(disabledBecause);
      }}
    >
      {children}
      {disabledBecause === undefined ? null : <span class="visually-hidden">: {disabledBecause}</span>}
    </button>
  );
}
