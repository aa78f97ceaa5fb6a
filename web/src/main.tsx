/** The page of the server. */
import "./styles/all.css";
import { render } from "preact";
import { Address } from "./address.ts";
import { App } from "./app.tsx";
import { Store } from "./store.ts";
import { SocketTransport } from "./transport.ts";

const root = document.getElementById("studio");
const here = new URL(window.location.href);
// The session is the page's own address; "ws" and "upload" are below it.
const page = new URL(here.pathname.replace(/\/?$/, "/"), here.origin);
if (root && !("WebSocket" in window)) {
  root.textContent =
    "The studio needs a browser with WebSocket, which this one is without. Open it in a newer browser.";
} else if (root) {
  render(<App store={new Store(new SocketTransport(page), new Address(window), "page")} />, root);
}
