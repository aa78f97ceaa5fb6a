/** The widget of a notebook: anywidget calls `render` for each place where it is shown. */
import styles from "./styles/all.css?inline";
import { render as renderTree } from "preact";
import { Address } from "./address.ts";
import { App } from "./app.tsx";
import { Store } from "./store.ts";
import { type WidgetModel, WidgetTransport } from "./transport.ts";

/** Show the studio in an element; returns what takes it away again. */
function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  const sheet = document.createElement("style");
  sheet.textContent = styles;
  const root = document.createElement("div");
  el.append(sheet, root);
  const store = new Store(new WidgetTransport(model), new Address(null), "widget");
  renderTree(<App store={store} />, root);
  return () => {
    renderTree(null, root);
    store.close();
    el.replaceChildren();
  };
}

export default { render };
