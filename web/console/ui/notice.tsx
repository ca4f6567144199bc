import type { ComponentChildren } from "preact";

type NoticeProps = {
  readonly kind: "info" | "good" | "warning" | "alarm";
  readonly children: ComponentChildren;
  /** True: a screen reader reads it as soon as it appears. Default: for warnings and alarms. */
  readonly announced?: boolean;
};

export function Notice({ kind, children, announced = kind === "warning" || kind === "alarm" }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role={announced ? "alert" : undefined}>
      {children}
    </div>
  );
}
