/** The arithmetic of one neuron in one row, written out: forward, backward, update. */
import { useEffect, useState } from "preact/hooks";

import type { BatchTrace, NeuronArithmetic } from "../protocol.ts";
import { useStore, type NeuronPlace } from "../store.ts";

interface Props {
  readonly trace: BatchTrace;
  /** The place of the row in the batch. */
  readonly row: number;
  readonly neuron: NeuronPlace;
}

export function Arithmetic({ trace, row, neuron }: Props) {
  const store = useStore();
  const [answer, setAnswer] = useState<NeuronArithmetic | null>(null);
  const number = trace.rows.data[row]!;
  const { layer, neuron: index } = neuron;
  useEffect(() => {
    let isOver = false;
    setAnswer(null);
    void store.act({ type: "ExplainNeuron", layer, neuron: index, row: number }).then((view) => isOver || setAnswer(view));
    return () => {
      isOver = true;
    };
  }, [store, trace, number, layer, index]);
  if (!answer) return null;
  return (
    <section class="arithmetic" aria-label={answer.title}>
      <h3>{answer.title}</h3>
      <Lines title="Forward" lines={answer.forward} />
      <Lines title="Backward" lines={answer.backward} />
      <Lines title="Update" lines={answer.update} />
    </section>
  );
}

function Lines({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <pre class="scroll" role="region" aria-label={title} tabIndex={0}>
        {lines.join("\n")}
      </pre>
    </>
  );
}
