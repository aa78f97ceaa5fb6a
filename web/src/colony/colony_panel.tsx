/** The region of the colony: many networks side by side, and what is done with the best of them. */
import { useState } from "preact/hooks";

import type { ColonyView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Term } from "../ui/hint.tsx";
import { writeNumber } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { curveOfMember, groupMembers, sharedLosses, type Order } from "./arrange_members.ts";
import { ColonyForm } from "./colony_form.tsx";
import { EnsembleKeeper } from "./ensemble_keeper.tsx";
import { memberTitle, Multiple, outcome } from "./multiple.tsx";

export function ColonyPanel() {
  const store = useStore();
  const settings = store.settings.value;
  const colony = store.colony.value;
  const [order, setOrder] = useState<Order>("grid");
  const [chosen, setChosen] = useState<number | null>(null);
  if (!settings || !store.network.value) return <Panel title="Colony">Choose a table and a label first.</Panel>;
  const member = colony?.members.find((candidate) => candidate.number === chosen) ?? null;
  return (
    <Panel title={<Term term="colony">Colony</Term>} class="colony-panel" aside="many networks, trained side by side">
      <ColonyForm view={settings} />
      {colony && (
        <>
          <Progress colony={colony} />
          <div class="fields">
            <label class="field">
              <span>Order</span>
              <select value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
                <option value="grid">optimizers and learning rates</option>
                <option value="rank">lowest validation loss first</option>
              </select>
            </label>
            <EnsembleKeeper colony={colony} />
          </div>
          <div class="chosen-member" aria-live="polite">
            {member ? (
              <>
                <span>
                  <b>{memberTitle(member)}</b>, validation loss: {outcome(member)}
                </span>
                <button
                  type="button"
                  class="primary"
                  disabled={member.status === "diverged" || member.status === "training"}
                  onClick={() => void store.act({ type: "PickMember", number: member.number }).then((done) => done && store.show("train"))}
                >
                  Continue with this network
                </button>
              </>
            ) : (
              <span class="quiet">Click a network to continue with it.</span>
            )}
          </div>
          <Multiples colony={colony} order={order} chosen={chosen} onChoose={setChosen} />
        </>
      )}
    </Panel>
  );
}

function Progress({ colony }: { readonly colony: ColonyView }) {
  const store = useStore();
  const isRunning = colony.status === "running";
  return (
    <div class="colony-progress">
      <progress aria-label="Epochs of the colony" value={colony.epoch} max={Math.max(colony.epochs, 1)} />
      <span>
        epoch <b>{colony.epoch}</b> of {colony.epochs}
        {colony.networks_per_second > 0 && <span class="quiet">, {writeNumber(colony.networks_per_second, 3)} networks a second</span>}
      </span>
      {isRunning && (
        <button type="button" onClick={() => void store.act({ type: "Cancel", work: "colony" })}>
          Cancel
        </button>
      )}
      {colony.text && <span class="quiet">{colony.text}</span>}
    </div>
  );
}

interface MultiplesProps {
  readonly colony: ColonyView;
  readonly order: Order;
  readonly chosen: number | null;
  readonly onChoose: (number: number) => void;
}

function Multiples({ colony, order, chosen, onChoose }: MultiplesProps) {
  const losses = sharedLosses(colony);
  return (
    <>
      <p class="small quiet">
        Each curve is the validation loss of one network, from {writeNumber(losses[0], 3)} to {writeNumber(losses[1], 3)} on a
        logarithmic axis, over {colony.epochs} epochs; the number above it is its learning rate.
      </p>
      {groupMembers(colony.members, order).map((group) => (
        <section key={group.title} class="multiples" aria-label={group.title}>
          <h3>{group.title}</h3>
          <div>
            {group.members.map((place) => {
              const member = colony.members[place]!;
              return (
                <Multiple
                  key={member.number}
                  member={member}
                  curve={curveOfMember(colony, place)}
                  losses={losses}
                  isChosen={member.number === chosen}
                  showsOptimizer={order === "rank"}
                  onChoose={() => onChoose(member.number)}
                />
              );
            })}
          </div>
        </section>
      ))}
    </>
  );
}
