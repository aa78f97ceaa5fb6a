// The form of a report: predicts the row that is typed, whenever a field changes.

const form = document.getElementById("row");
const found = document.getElementById("predicted");
const refused = document.getElementById("refused");
const CLASSES_SHOWN = 12;

function readRow() {
  return Object.fromEntries([...form.elements].map((field) => [field.name, field.value.trim() === "" ? null : field.value]));
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function writeNumber5(value) {
  return String(Number(value.toPrecision(5)));
}

function showShares(shares) {
  const ranked = Object.entries(shares).sort(([, a], [, b]) => b - a);
  return element("dl", ...ranked.slice(0, CLASSES_SHOWN).map(([name, share]) => {
    const bar = element("meter");
    bar.value = share;
    bar.setAttribute("aria-hidden", "true");
    return element("div", element("dt", name), element("dd", bar, ` ${(100 * share).toFixed(1)} %`));
  }));
}

function show({ label, probabilities, prediction, disagreement }) {
  const shown = [];
  if (prediction !== undefined) {
    const named = typeof prediction === "number" ? { [form.dataset.label]: prediction } : prediction;
    const lines = Object.entries(named).map(([name, value]) => element("div", element("dt", name), element("dd", writeNumber5(value))));
    shown.push(element("dl", ...lines));
  } else {
    const named = typeof label === "object" ? Object.keys(label).filter((name) => label[name]).join(", ") || "none" : String(label);
    shown.push(element("p", `${form.dataset.label}: `, element("strong", named)), showShares(probabilities));
  }
  if (disagreement !== undefined) shown.push(element("p", `Disagreement of the networks: ${writeNumber5(disagreement)}`));
  found.replaceChildren(...shown);
}

function update() {
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  refused.textContent = "";
  try {
    show(predict(readRow()));
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    found.replaceChildren();
    refused.textContent = error.message.replace("null where it is", "an empty field where it is");
    form.elements.namedItem(error.column)?.setAttribute("aria-invalid", "true");
  }
}

form.addEventListener("input", update);
form.addEventListener("submit", (event) => event.preventDefault());
update();
