type ProgressProps = { readonly label: string; readonly value: number; readonly max: number };

/** A bar; its label says the numbers. */
export function Progress({ label, value, max }: ProgressProps) {
  return <progress class="progress" aria-label={label} value={Math.min(value, max)} max={Math.max(1, max)} />;
}
