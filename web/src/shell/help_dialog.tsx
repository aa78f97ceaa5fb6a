/** The keys, and all terms with their sentence. */
import { useEffect, useRef } from "preact/hooks";
import { HELP, type HelpTerm } from "../help.ts";
import { useStore } from "../store.ts";
import { Icon } from "../ui/icon.tsx";
import { writeWords } from "../ui/numbers.ts";
import { KEYS } from "./keys.ts";

export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const { isHelpOpen } = useStore();
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isOpen) return null;
  const terms = (Object.keys(HELP) as HelpTerm[]).sort();
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={() => {
        isHelpOpen.value = false;
      }}
    >
      <form method="dialog" class="help-head">
        <h2 id="help-title">Help</h2>
        <button class="icon-button" aria-label="Close the help">
          <Icon name="close" />
        </button>
      </form>
      <h3>Keys</h3>
      <dl class="keys">
        {KEYS.map(({ key, title }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
      <h3>Terms</h3>
      <dl class="terms">
        {terms.map((term) => (
          <div key={term}>
            <dt>{writeWords(term)}</dt>
            <dd>{HELP[term]}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
