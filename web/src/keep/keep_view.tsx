/** What remains of the session: the model, its plan, a report, and the code that makes the same model. */
import { useSignal } from "@preact/signals";
import type { Code, KeptFile } from "../protocol.ts";
import { useStore } from "../store.ts";
import type { HelpTerm } from "../help.ts";
import { Term } from "../ui/hint.tsx";
import { Icon } from "../ui/icon.tsx";
import { Panel } from "../ui/panel.tsx";
import { KeepButton, download } from "./keep_button.tsx";

const FILES: readonly { what: "model" | "plan" | "report"; title: string; term: HelpTerm; text: string }[] = [
  {
    what: "model",
    title: "Download the model",
    term: "model",
    text: "The trained network. Predict with creche.load in Python, or creche predict.",
  },
  {
    what: "plan",
    title: "Download the plan",
    term: "plan",
    text: "All settings, as a text that can be read, changed and trained again.",
  },
  {
    what: "report",
    title: "Download the report",
    term: "report",
    text: "One page: data, network, training, errors, what it uses and where its limits are.",
  },
];

const LANGUAGES: readonly [Code["language"], string][] = [
  ["python", "Python"],
  ["command", "Command line"],
];

export function KeepView() {
  return (
    <div class="keep-view">
      <Panel title="Files" class="files">
        <ul class="kept-files">
          {FILES.map(({ what, title, term, text }) => (
            <li key={what}>
              <KeepButton what={what} title={title} />
              <p>
                <Term term={term}>{what}</Term> <span class="quiet">{text}</span>
              </p>
            </li>
          ))}
        </ul>
      </Panel>
      <CodePanel />
    </div>
  );
}

function CodePanel() {
  const store = useStore();
  const language = useSignal<Code["language"]>("python");
  const file = useSignal<KeptFile | null>(null);
  const state = `${store.tick.value?.step}-${store.settings.value?.changes.length}-${store.settings.value?.settings.seed}`;
  const written = useSignal("");
  const isChanged = written.value !== state;
  const write = async (chosen: Code["language"]) => {
    language.value = chosen;
    written.value = state;
    file.value = await store.act({ type: "Code", language: chosen });
  };
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      store.notify("note", "Copied.");
    } catch {
      store.notify("failure", "The browser does not let the page copy.", "Select the text and copy it yourself.");
    }
  };
  return (
    <Panel title={<Term term="code">The same model from code</Term>} class="code">
      <p class="measure">
        The program makes the model at hand, to the last bit: with every change of settings while it trained, and every
        weight that was set by hand.
      </p>
      <div class="buttons">
        {LANGUAGES.map(([name, title]) => (
          <button
            key={name}
            type="button"
            aria-pressed={file.value !== null && language.value === name}
            onClick={() => void write(name)}
          >
            {title}
          </button>
        ))}
      </div>
      {file.value && isChanged && (
        <p class="small">
          The network has changed since this was written. Choose a language again for the model at hand.
        </p>
      )}
      {file.value && (
        <div class="listing">
          <div class="buttons">
            <button type="button" onClick={() => void copy(file.value?.text ?? "")}>
              <Icon name="copy" /> Copy
            </button>
            <button type="button" onClick={() => file.value && download(file.value)}>
              <Icon name="download" /> {file.value.name}
            </button>
          </div>
          <pre tabIndex={0} role="region" aria-label="Code">
            <code>{file.value.text}</code>
          </pre>
        </div>
      )}
    </Panel>
  );
}
