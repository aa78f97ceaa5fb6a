// The form of the server: it asks for a prediction whenever a value changes, and shows the newest answer.

const TOKEN = "creche-token";
const EXPLAIN_AFTER = 250; // ms without a change: an explanation takes thousands of predictions
const MOST_BARS = 20;

const find = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const signed = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, signDisplay: "exceptZero" });

let model = null;
let asked = 0; // the number of the newest request: answers to older ones are dropped
let explaining = 0; // the timer

/** Ask the server, with the token if there is one. */
async function ask(path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status: answer.status, data: await answer.json() };
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function begin() {
  const { status, data } = await ask("models");
  find("token-form").hidden = status !== 401;
  if (status === 401) {
    find("token-error").textContent = sessionStorage.getItem(TOKEN) ? data.detail : "";
    find("token").focus();
    return;
  }
  if (status !== 200) throw new Error(data.detail);
  find("model").replaceChildren(...data.models.map((one) => element("option", { value: one.name, textContent: one.name })));
  find("model-choice").hidden = data.models.length < 2;
  find("model").onchange = () => show(data.models.find((one) => one.name === find("model").value));
  find("main").hidden = false;
  show(data.models[0]);
}

/** Show the form of a model, filled with the example of each column. */
function show(chosen) {
  model = chosen;
  find("label").textContent = model.labels.join(", ");
  document.title = `Predict ${model.labels.join(", ")}`;
  find("row").replaceChildren(...model.columns.map(makeField));
  predict();
}

function makeField(column, place) {
  const id = `field-${place}`;
  const input = column.type === "boolean" || isListed(column) ? makeSelect(column) : makeInput(column);
  input.id = id;
  input.name = column.name;
  input.setAttribute("aria-describedby", `${id}-hint ${id}-wrong`);
  input.oninput = predict;
  return element(
    "div", { className: "field" },
    element("label", { htmlFor: id, textContent: column.name }), input,
    element("p", { id: `${id}-hint`, className: "hint", textContent: describe(column) }),
    element("p", { id: `${id}-wrong`, className: "wrong" }),
  );
}

/** Whether all categories that the network knows are listed. */
function isListed(column) {
  return column.type === "categorical" && column.category_count === column.categories?.length;
}

function makeSelect(column) {
  const values = column.type === "boolean" ? ["true", "false"] : column.categories;
  const select = element("select");
  for (const value of values) select.append(element("option", { value, textContent: value || "(empty)" }));
  if (column.nullable) select.append(element("option", { value: "", textContent: "(missing)" }));
  select.value = String(column.example);
  return select;
}

function makeInput(column) {
  const isNumber = column.type === "numeric";
  return element("input", { type: "text", inputMode: isNumber ? "decimal" : "text", value: String(column.example ?? "") });
}

function describe(column) {
  const range = column.training_range;
  if (!range) return column.type === "categorical" && !isListed(column) ? "any category" : "";
  const [low, high] = range.map((end) => (typeof end === "number" ? number.format(end) : end));
  return `in training ${low} to ${high}`;
}

/** Return the values of the form as a row; an empty field is a missing value. */
function readRow() {
  const row = {};
  for (const column of model.columns) {
    const typed = find("row").elements[column.name].value.trim();
    if (typed === "") row[column.name] = column.nullable ? null : "";
    else if (column.type === "numeric") row[column.name] = Number.isFinite(Number(typed)) ? Number(typed) : typed;
    else row[column.name] = column.type === "boolean" ? typed === "true" : typed;
  }
  return row;
}

async function predict() {
  const mine = (asked += 1);
  clearTimeout(explaining);
  const path = `models/${encodeURIComponent(model.name)}/predict`;
  const rows = [readRow()];
  await reporting(async () => {
    const { status, data } = await ask(path, { rows });
    if (mine !== asked) return;
    showErrors(status === 422 ? (data.errors ?? []) : []);
    if (status !== 200) {
      if (status !== 422) throw new Error(data.detail);
      clearOutcome();
      find("outcome").textContent = data.errors ? "Correct the marked values." : data.detail;
      return;
    }
    showOutcome(data);
    explaining = setTimeout(() => reporting(() => explain(path, rows, mine)), EXPLAIN_AFTER);
  });
}

async function explain(path, rows, mine) {
  const { status, data } = await ask(path, { rows, explain: true });
  if (mine === asked && status === 200) showContributions(data.predictions[0].explanation);
}

/** Show an error of the connection, which also means that the server has ended. */
async function reporting(work) {
  try {
    await work();
    find("failure").textContent = "";
  } catch (error) {
    find("failure").textContent = `The server did not answer: ${error.message}`;
  }
}

function showErrors(errors) {
  model.columns.forEach((column, place) => {
    const own = errors.find((error) => error.column === column.name);
    find(`field-${place}`).setAttribute("aria-invalid", own ? "true" : "false");
    find(`field-${place}-wrong`).textContent = own ? sayInForm(own.message) : "";
  });
}

/** Write an error about the only row as a form says it. */
function sayInForm(message) {
  return message.replace(/^row 0, column '.*?'(:| is) /, "").replace("or null for a missing value", "or nothing");
}

function clearOutcome() {
  for (const id of ["outcome", "warnings", "contributions"]) find(id).replaceChildren();
  find("contributions-hint").textContent = "";
}

function showOutcome(data) {
  const { predicted, probabilities } = data.predictions[0];
  const pairs = Object.entries(predicted).map(([name, value]) => {
    const text = typeof value === "number" ? number.format(value) : String(value);
    return Object.keys(predicted).length > 1 ? `${name}: ${text}` : text;
  });
  const bars = Object.entries(probabilities ?? {}).sort((a, b) => b[1] - a[1]).slice(0, MOST_BARS);
  find("outcome").replaceChildren(
    ...pairs.map((text) => element("p", { className: "value", textContent: text })),
    ...bars.map(([name, share]) => makeBar(name, share.toFixed(4), 0, share, "positive")),
  );
  find("warnings").replaceChildren(
    ...(data.warnings ?? []).map((warning) => element("li", { textContent: warning.message })),
  );
}

function showContributions({ target, unit, contributions }) {
  const parts = Object.entries(contributions).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, MOST_BARS);
  const most = Math.max(...parts.map(([, value]) => Math.abs(value)), Number.MIN_VALUE);
  find("contributions-hint").textContent =
    `to the ${unit === "number" ? "prediction" : `${unit} of ${target}`}, relative to a neutral row`;
  find("contributions").replaceChildren(
    ...parts.map(([name, value]) => {
      const width = Math.abs(value) / most / 2;
      return makeBar(name, signed.format(value), value < 0 ? 0.5 - width : 0.5, width, value < 0 ? "negative" : "positive");
    }),
  );
}

/** Return a line with a name, a bar from a share of the width on, and a number. */
function makeBar(name, text, start, width, kind) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("aria-hidden", "true");
  for (const [from, share, look] of [[0, 1, "track"], [start, width, kind]]) {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    bar.setAttribute("x", `${100 * from}%`);
    bar.setAttribute("width", `${100 * share}%`);
    bar.setAttribute("height", "100%");
    bar.setAttribute("class", look);
    drawing.append(bar);
  }
  return element(
    "div", { className: "bar" },
    element("span", { className: "name", title: name, textContent: name }), drawing,
    element("span", { className: "number", textContent: text }),
  );
}

find("row").onsubmit = (event) => event.preventDefault();
find("token-form").onsubmit = (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, find("token").value);
  reporting(begin);
};
reporting(begin);
