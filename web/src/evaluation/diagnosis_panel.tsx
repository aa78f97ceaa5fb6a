/** What the run suffers from, in words. */
import { useSignal } from "@preact/signals";
import type { DiagnosisView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Findings } from "../ui/findings.tsx";
import { Term } from "../ui/hint.tsx";
import { Panel } from "../ui/panel.tsx";

export function DiagnosisPanel() {
  const store = useStore();
  const view = useSignal<DiagnosisView | null>(null);
  const isBusy = useSignal(false);
  const diagnose = async () => {
    isBusy.value = true;
    view.value = (await store.act({ type: "Diagnose" })) ?? view.peek();
    isBusy.value = false;
  };
  return (
    <Panel
      title={<Term term="diagnosis">Diagnosis</Term>}
      class="diagnosis"
      aside={
        <button type="button" disabled={isBusy.value} onClick={() => void diagnose()}>
          {view.value ? "Diagnose again" : "Diagnose"}
        </button>
      }
    >
      <div aria-live="polite">
        {view.value ? (
          <>
            <p>
              <b>{view.value.verdict}</b> <span class="quiet small">after epoch {view.value.epoch}</span>
            </p>
            <Findings findings={view.value.findings} />
          </>
        ) : (
          <p class="quiet">Train some epochs, and have the run examined.</p>
        )}
      </div>
    </Panel>
  );
}
