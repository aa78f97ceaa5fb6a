/** All settings of the network and of training, in groups; the seldom ones are folded, and on a phone all of them. */
import { useSignal } from "@preact/signals";
import { useStore } from "../store.ts";
import { ChoiceField, HiddenField, NumberField, RateField } from "./setting_field.tsx";

export function SettingsPanel() {
  const view = useStore().settings.value;
  const isOpen = useSignal(false);
  if (!view) return null;
  const { choices } = view;
  const isClassification = view.settings.loss.endsWith("cross_entropy");
  return (
    <section class={`settings panel${isOpen.value ? " is-open" : ""}`} aria-label="Settings">
      <header class="panel-head">
        <h2>Settings</h2>
        <button
          type="button"
          class="unfold"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          {isOpen.value ? "Fold" : "Unfold"}
        </button>
      </header>
      <div class="entries">
        <RateField lowest={1e-6} highest={10} />
        <ChoiceField name="optimizer" label="Optimizer" term="optimizer" options={choices.optimizers} />
        <NumberField name="batch_size" label="Batch size" term="batch_size" min={1} step={1} />
        <HiddenField />
        <ChoiceField name="activation" label="Activation" term="activation" options={choices.activations} restarts />
      </div>
      <details>
        <summary>Regularization</summary>
        <div class="entries">
          <NumberField name="weight_decay" label="Weight decay" term="weight_decay" min={0} />
          <NumberField name="l1" label="L1" term="l1" min={0} />
          <NumberField name="dropout" label="Dropout" term="dropout" min={0} max={0.95} />
          {isClassification && (
            <NumberField name="label_smoothing" label="Label smoothing" term="label_smoothing" min={0} max={0.5} />
          )}
        </div>
      </details>
      <details>
        <summary>Loss and schedule</summary>
        <div class="entries">
          <ChoiceField name="loss" label="Loss" term="loss_name" options={choices.losses} restarts />
          <ChoiceField name="schedule" label="Schedule" term="schedule" options={choices.schedules} />
          <NumberField name="epochs" label="Epochs" term="epochs" min={1} step={1} />
          <NumberField name="seed" label="Seed" term="seed" min={0} step={1} restarts />
        </div>
      </details>
      <details>
        <summary>Data</summary>
        <div class="entries">
          <ChoiceField
            name="preprocessing"
            label="Preprocessing"
            term="preprocessing"
            options={choices.preprocessings}
            restarts
          />
          <NumberField
            name="validation_fraction"
            label="Validation share"
            term="validation_fraction"
            min={0}
            max={0.9}
            restarts
          />
          <NumberField name="test_fraction" label="Test share" term="test_fraction" min={0} max={0.9} restarts />
          <NumberField name="split_seed" label="Seed of the split" term="split_seed" min={0} step={1} restarts />
        </div>
      </details>
    </section>
  );
}
