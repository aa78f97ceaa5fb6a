/** One request at a time, and then only the newest of those that came meanwhile: for sliders that are dragged. */
export function sendLatest<T>(send: (value: T) => Promise<unknown>): (value: T) => void {
  let waiting: { value: T } | null = null;
  let isSending = false;
  const next = async (): Promise<void> => {
    try {
      while (waiting) {
        const { value } = waiting;
        waiting = null;
        await send(value);
      }
    } finally {
      isSending = false;
    }
  };
  return (value) => {
    waiting = { value };
    if (isSending) return;
    isSending = true;
    void next();
  };
}
