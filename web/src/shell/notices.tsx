/** Failures and notes, at the corner of the page; read aloud as they come. */
import { useStore } from "../store.ts";
import { Icon } from "../ui/icon.tsx";

export function Notices() {
  const store = useStore();
  return (
    <div class="notices" role="log" aria-live="assertive" aria-label="Messages">
      {store.notices.value.map(({ number, kind, text, remedy }) => (
        <div key={number} class={`notice is-${kind}`}>
          <p>
            {text} {remedy && <span class="remedy">{remedy}</span>}
          </p>
          <button
            type="button"
            class="icon-button"
            aria-label="Close the message"
            onClick={() => store.dismiss(number)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
