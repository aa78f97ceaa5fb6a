/** The page: its head, the controls of training, one view at a time, and what must be read.
 *
 * A component takes no properties from here; `useStore()` gives it the newest views as signals, `ask` and `act` for
 * requests, what is selected (`selectedNeuron`, `selectedWeight`; the row is in `tick`), and `show` to change the view.
 * `useWatch("errors")` has a view pushed while a component is drawn; a view that is not shown is not in the tree.
 * Regions with pictures of their own (`network`, `weight`, `step`, `colony`, `tour`) are plugged in by `regions.ts`:
 * each is a component without properties that fills the width it gets, and brings its own `<section>` and heading
 * (`Panel` of `ui/panel.tsx` does both). A picture that follows training reads `store.tick` in `useDrawing`
 * (`ui/drawing.ts`), which runs once for each tick, after the frame before has been drawn.
 */
import { useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Announcer } from "./shell/announcer.tsx";
import { ConnectionNotice } from "./shell/connection_notice.tsx";
import { HelpDialog } from "./shell/help_dialog.tsx";
import { useKeys } from "./shell/keys.ts";
import { TableNotice } from "./shell/table_notice.tsx";
import { TopBar } from "./shell/top_bar.tsx";
import { Notices } from "./shell/notices.tsx";
import { QuestionDialog } from "./shell/question.tsx";
import { StatusLine } from "./shell/status_line.tsx";
import { View } from "./shell/view.tsx";
import { REGIONS } from "./regions.ts";
import { isCalm, isDark } from "./preferences.ts";
import { FileDrop } from "./table/file_drop.tsx";
import { Controls } from "./training/controls.tsx";
import { RunEnd } from "./training/run_end.tsx";
import { type Store, StoreProvider, useStore } from "./store.ts";

export function App({ store }: { store: Store }) {
  return (
    <StoreProvider value={store}>
      <Frame>
        <FileDrop>
          <TopBar />
          <ConnectionNotice />
          <TableNotice />
          <Body />
          <StatusLine />
        </FileDrop>
        <Notices />
        <QuestionDialog />
        <HelpDialog />
        <Announcer />
      </Frame>
    </StoreProvider>
  );
}

function Frame({ children }: { children: ComponentChildren }) {
  const store = useStore();
  const root = useRef<HTMLDivElement>(null);
  useKeys(store, root);
  useSignalEffect(() => {
    if (store.kind === "page") document.title = [store.table.value?.name, "Creche studio"].filter(Boolean).join(" · ");
  });
  const scheme = isDark.value ? "dark" : "light";
  return (
    <div ref={root} class={`creche-studio is-${store.kind}${isCalm.value ? " is-calm" : ""}`} data-scheme={scheme}>
      {children}
    </div>
  );
}

function Body() {
  const store = useStore();
  if (store.isConnected.value === null && !store.welcome.value)
    return <p class="quiet opening">Opening the session …</p>;
  const Tour = REGIONS.tour;
  return (
    <div class="body">
      <div class="work">
        {store.network.value && <Controls />}
        <main id="view" tabIndex={-1}>
          <RunEnd />
          <View />
        </main>
      </div>
      {Tour && store.address.get("tour") !== null && <Tour />}
    </div>
  );
}
