/** Actual classes against predicted ones. Of many classes, only the most frequent confusions are listed. */
import type { EvaluationView } from "../protocol.ts";
import { Term } from "../ui/hint.tsx";
import { writeCount, writePercent } from "../ui/numbers.ts";

const MOST_CLASSES = 24;
const MOST_CONFUSIONS = 20;

export function Confusion({ view }: { readonly view: EvaluationView }) {
  return (
    <figure class="confusion">
      <figcaption>
        <h3>
          <Term term="confusion">Confusion matrix</Term>
        </h3>
      </figcaption>
      {view.classes.length <= MOST_CLASSES ? <Matrix view={view} /> : <LargestConfusions view={view} />}
    </figure>
  );
}

function Matrix({ view }: { readonly view: EvaluationView }) {
  const { classes, confusion } = view;
  const width = classes.length;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Confusion matrix">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col" class="corner">
              actual ╲ predicted
            </th>
            {classes.map((name) => (
              <th scope="col" class="number" key={name} title={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map((name, actual) => {
            const counts = confusion.data.subarray(actual * width, (actual + 1) * width);
            const total = counts.reduce((sum, count) => sum + count, 0);
            return (
              <tr key={name}>
                <th scope="row" title={name}>
                  {name}
                </th>
                {Array.from(counts, (count, predicted) => {
                  const share = total > 0 ? count / total : 0;
                  return (
                    <td
                      key={predicted}
                      class={`number${actual === predicted ? " is-right" : count > 0 ? " is-wrong" : ""}`}
                      style={{ "--share": String(share) }}
                    >
                      {count > 0 || actual === predicted ? writeCount(count) : <span class="quiet">0</span>}
                      {count > 0 && <span class="share"> {writePercent(share)}</span>}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function LargestConfusions({ view }: { readonly view: EvaluationView }) {
  const { classes, confusion } = view;
  const width = classes.length;
  const wrong: { actual: number; predicted: number; count: number }[] = [];
  confusion.data.forEach((count, i) => {
    const [actual, predicted] = [Math.floor(i / width), i % width];
    if (count > 0 && actual !== predicted) wrong.push({ actual, predicted, count });
  });
  wrong.sort((a, b) => b.count - a.count);
  return (
    <table>
      <caption class="quiet small">The most frequent confusions of {writeCount(classes.length)} classes</caption>
      <thead>
        <tr>
          <th scope="col">actual</th>
          <th scope="col">predicted</th>
          <th scope="col" class="number">
            rows
          </th>
        </tr>
      </thead>
      <tbody>
        {wrong.slice(0, MOST_CONFUSIONS).map(({ actual, predicted, count }) => (
          <tr key={`${actual}-${predicted}`}>
            <td>{classes[actual]}</td>
            <td>{classes[predicted]}</td>
            <td class="number">{writeCount(count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
