/** The view that the address names. */
import { CurvesPanel } from "../charts/curves_panel.tsx";
import { DiagnosisPanel } from "../evaluation/diagnosis_panel.tsx";
import { ErrorsPanel } from "../evaluation/errors_panel.tsx";
import { EvaluationPanel } from "../evaluation/evaluation_panel.tsx";
import { FitView } from "../fit/fit_view.tsx";
import { KeepView } from "../keep/keep_view.tsx";
import { PredictView } from "../prediction/predict_view.tsx";
import { REGIONS } from "../regions.ts";
import { RowPanel } from "../rows/row_panel.tsx";
import { useStore } from "../store.ts";
import { TableView } from "../table/table_view.tsx";
import { SettingsPanel } from "../training/settings_panel.tsx";

export function View() {
  const store = useStore();
  const view = store.view.value;
  if (view === "table" || !store.network.value) return <TableView />;
  switch (view) {
    case "step":
      return REGIONS.step ? <REGIONS.step /> : <TrainView />;
    case "colony":
      return REGIONS.colony ? <REGIONS.colony /> : <TrainView />;
    case "fit":
      return <FitView />;
    case "predict":
      // The form of another table begins anew.
      return <PredictView key={store.table.value?.columns.map(({ name, role }) => `${name} ${role}`).join("\n")} />;
    case "keep":
      return <KeepView />;
    default:
      return <TrainView />;
  }
}

function TrainView() {
  const { network: Network, weight: Weight } = REGIONS;
  return (
    <div class="train-view">
      <SettingsPanel />
      <div class="area-network">{Network && <Network />}</div>
      <CurvesPanel />
      <div class="area-below">
        <div class="stack">
          {Weight && <Weight />}
          <RowPanel />
          <DiagnosisPanel />
        </div>
        <div class="stack">
          <EvaluationPanel />
          <ErrorsPanel />
        </div>
      </div>
    </div>
  );
}
