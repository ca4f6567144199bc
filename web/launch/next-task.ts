/**
 * Resolves in a task of its own, so that the browser paints, and hears its user, between two pieces of work.
 * A timer would do that, too, but waits for up to a second in a tab that nobody looks at.
 */
export function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
