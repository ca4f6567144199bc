/**
 * Copies the text of an element. True: it is in the clipboard. False: the browser forbids that, and the text
 * is selected, so that the customer can copy it.
 */
export async function copyTextOf(element: HTMLElement): Promise<boolean> {
  try {
    // Absent in a page without TLS.
    await navigator.clipboard.writeText(element.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    // Deprecated, and the only way where the above is not to be had.
    return document.execCommand("copy");
  }
}
