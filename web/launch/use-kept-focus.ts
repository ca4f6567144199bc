import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/**
 * What had the focus may go away, as the field for the user id after Enter: the focus then goes to the first
 * place that is there, and is not lost.
 */
export function useKeptFocus(...places: readonly RefObject<HTMLElement | null>[]): void {
  const last = useRef<Element>(null);
  useEffect(() => {
    const note = ({ target }: FocusEvent): void => {
      last.current = target instanceof Element ? target : null;
    };
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, []);
  useLayoutEffect(() => {
    if (last.current === null || last.current.isConnected) return;
    last.current = null;
    if (document.activeElement !== document.body) return;
    places.find(({ current }) => current !== null)?.current?.focus();
  });
}
