/** Tells that the session cannot be reached, and that the page keeps trying. */
import { useStore } from "../store.ts";

export function ConnectionNotice() {
  const { isConnected, closing, kind } = useStore();
  if (isConnected.value !== false) return null;
  const remedy =
    kind === "page"
      ? "The page tries again by itself. If the studio was started anew, open the link that it printed."
      : "Run the cell again if the kernel was started anew.";
  return (
    <p class="connection-notice" role="alert">
      <b>{closing.value ?? "The connection to the session is lost."}</b> {remedy}
    </p>
  );
}
