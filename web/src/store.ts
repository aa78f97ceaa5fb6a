/** The state of the page: the newest view of each kind, what is selected, and what the person must be told. */
import { batch, computed, effect, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect } from "preact/hooks";
import { Address, VIEWS, type ViewName } from "./address.ts";
import { Connection, type Events, RequestError } from "./connection.ts";
import type { Message } from "./frames.ts";
import type { Notice, Question } from "./messages.ts";
import { CALM_RATE, FramePace } from "./frame_pace.ts";
import { addPiece, type Curves, NO_CURVES } from "./history.ts";
import { isCalm } from "./preferences.ts";
import type {
  ChangeSettings,
  ColonyView,
  ErrorsView,
  EvaluationView,
  Field,
  FitView,
  NetworkView,
  Replies,
  Request,
  SettingsView,
  TableProgress,
  TableView,
  Tick,
  Watch,
  Welcome,
} from "./protocol.ts";
import type { Transport } from "./transport.ts";

export type WatchedView = NonNullable<Watch["views"]>[number];
export type Partition = NonNullable<Watch["partition"]>;

/** A neuron of a layer; the inputs are layer 0. */
export interface NeuronPlace {
  readonly layer: number;
  readonly neuron: number;
}

/** A weight as `Probe` names it: W[layer][source, target], or the bias of `target` if `source` is null. */
export interface WeightPlace {
  readonly layer: number;
  readonly source: number | null;
  readonly target: number;
}

const RATES = { page: 30, widget: 15 } as const;
const NOTE_SECONDS = 6;
const BUSY_AFTER = 400;
const PATIENCE = 100;

/** One for each page or widget. Components get theirs with `useStore`. */
export class Store implements Events {
  /** Null until the first answer of the session. */
  readonly isConnected = signal<boolean | null>(null);
  readonly welcome = signal<Welcome | null>(null);
  readonly closing = signal<string | null>(null);
  readonly table = signal<TableView | null>(null);
  readonly settings = signal<SettingsView | null>(null);
  readonly network = signal<NetworkView | null>(null);
  /** The newest state; it changes right before a frame is drawn, so what depends on it is drawn once a frame. */
  readonly tick = signal<Tick | null>(null);
  readonly curves = signal<Curves>(NO_CURVES);
  readonly evaluation = signal<EvaluationView | null>(null);
  readonly errors = signal<ErrorsView | null>(null);
  readonly colony = signal<ColonyView | null>(null);
  readonly fit = signal<FitView | null>(null);
  readonly fields = signal<readonly Field[]>([]);

  /** The newest request that was carried out; the tour watches what is done. */
  readonly answered = signal<Request | null>(null);

  /** The part of a file that has been uploaded; null without one. */
  readonly uploaded = signal<number | null>(null);
  readonly partition = signal<Partition>("validation");
  /** Epochs a second at most; 0 for as fast as it can, which is too fast to follow on a small table. */
  readonly speed = signal(100);
  readonly selectedNeuron = signal<NeuronPlace | null>(null);
  readonly selectedWeight = signal<WeightPlace | null>(null);
  readonly notices = signal<readonly Notice[]>([]);
  /** What is done to a table, if it takes a while. */
  readonly tableProgress = signal<TableProgress | null>(null);
  /** Whether the session has been at work on a request for a while. */
  readonly isBusy = signal(false);
  readonly isHelpOpen = signal(false);
  readonly question = signal<Question | null>(null);

  readonly status = computed(() => this.tick.value?.status ?? "empty");
  /** The row that is sent through the network, which changes more seldom than the tick. */
  readonly selectedRow = computed(() => this.tick.value?.selected_row ?? null);
  readonly isRunning = computed(() => this.status.value === "running");
  readonly view = computed<ViewName>(() => {
    if (!this.network.value) return "table";
    const name = this.address.get("view") as ViewName | null;
    return name && VIEWS.includes(name) ? name : "train";
  });

  private readonly connection: Connection;
  private readonly watched = new Map<WatchedView, number>();
  private readonly stopRate: () => void;
  private busyTimer: ReturnType<typeof setTimeout> | undefined;
  private progressTimer: ReturnType<typeof setTimeout> | undefined;
  private newestTick: Tick | null = null;
  private newestCurves: Curves | null = null;
  /** What else the next frame changes, by what it is about. */
  private readonly arrived = new Map<unknown, () => void>();
  private readonly pace = new FramePace(() => this.draw());
  private nextNotice = 1;

  constructor(
    transport: Transport,
    readonly address: Address,
    readonly kind: "page" | "widget",
  ) {
    this.connection = new Connection(transport, this);
    this.stopRate = effect(() => {
      isCalm.value;
      this.partition.value;
      this.sendWatch();
    });
    this.connection.start();
  }

  /** Send a request; the promise fails with a `RequestError` if it is refused. */
  async ask<R extends Request>(request: R): Promise<Replies[R["type"]]> {
    const view = await this.connection.ask(request);
    if (request.type === "OpenTable" || request.type === "ConfigureTable") this.takeTable(view as TableView);
    else if (request.type === "ChangeSettings") this.settings.value = view as SettingsView;
    this.answered.value = request;
    return view;
  }

  /** Send a request whose refusal the person reads as a notice; the promise is then null. */
  async act<R extends Request>(request: R): Promise<Replies[R["type"]] | null> {
    try {
      return await this.ask(request);
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  /** Change settings; asks first if weights would be lost. Returns whether they were changed. */
  async change(settings: Omit<ChangeSettings, "type" | "restart">): Promise<boolean> {
    try {
      await this.ask({ type: "ChangeSettings", ...settings });
      return true;
    } catch (error) {
      if (!(error instanceof RequestError) || error.failure.code !== "needs_restart") {
        this.fail(error);
        return false;
      }
      const text = `${error.failure.text} ${error.failure.remedy}`.trim();
      if (!(await this.confirm("Start training anew?", text, "Start anew"))) return false;
      return (await this.act({ type: "ChangeSettings", restart: true, ...settings })) !== null;
    }
  }

  /** Upload a file and open it as the table; one at a time. */
  async openFile(file: File): Promise<boolean> {
    if (this.uploaded.peek() !== null) return false;
    this.uploaded.value = 0;
    try {
      const upload = await this.connection.upload(file, (done) => {
        this.uploaded.value = done;
      });
      await this.ask({ type: "OpenTable", upload });
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.uploaded.value = null;
    }
  }

  /** Ask the person; resolves to whether they agree. */
  confirm(title: string, text: string, action: string): Promise<boolean> {
    this.question.peek()?.answer(false);
    return new Promise((resolve) => {
      const answer = (isYes: boolean) => {
        this.question.value = null;
        resolve(isYes);
      };
      this.question.value = { title, text, action, answer };
    });
  }

  show(view: ViewName): void {
    this.address.set({ view });
  }

  /** Have the session push a view while it is needed; returns what ends that. */
  watch(view: WatchedView): () => void {
    this.count(view, 1);
    return () => this.count(view, -1);
  }

  /** Change what is shown with the next frame; of several changes about one thing, only the last. */
  showSoon(about: unknown, change: () => void): void {
    this.arrived.set(about, change);
    this.pace.drawSoon(this.patience);
  }

  fail(error: unknown): void {
    if (error instanceof RequestError && error.failure.code === "cancelled") this.notify("note", error.failure.text);
    else if (error instanceof RequestError) this.notify("failure", error.failure.text, error.failure.remedy);
    else this.notify("failure", error instanceof Error ? error.message : String(error));
  }

  notify(kind: Notice["kind"], text: string, remedy = ""): void {
    const number = this.nextNotice++;
    const others = this.notices.peek().filter((notice) => notice.text !== text);
    this.notices.value = [...others.slice(-3), { number, kind, text, remedy }];
    if (kind === "note") setTimeout(() => this.dismiss(number), NOTE_SECONDS * 1000);
  }

  dismiss(number: number): void {
    this.notices.value = this.notices.peek().filter((notice) => notice.number !== number);
  }

  close(): void {
    this.stopRate();
    this.connection.close();
    this.address.close();
  }

  changed(isConnected: boolean): void {
    this.isConnected.value = isConnected;
    if (isConnected) this.sendWatch();
  }

  waiting(requests: number): void {
    clearTimeout(this.busyTimer);
    if (requests === 0) this.isBusy.value = false;
    else if (!this.isBusy.peek()) this.busyTimer = setTimeout(() => (this.isBusy.value = true), BUSY_AFTER);
  }

  pushed(message: Message): void {
    switch (message.type) {
      case "Welcome":
        return this.greet(message.view);
      case "TableProgress":
        return this.takeProgress(message.view);
      case "TableView":
        this.takeTable(message.view);
        return;
      case "SettingsView":
        this.settings.value = message.view;
        return;
      case "NetworkView":
        this.takeNetwork(message.view);
        return;
      case "Tick":
        this.newestTick = message.view;
        return this.pace.drawSoon();
      case "History":
        this.newestCurves = addPiece(this.newestCurves ?? this.curves.peek(), message.view);
        return this.pace.drawSoon(this.patience);
      case "EvaluationView":
        return this.showSoon(message.type, () => (this.evaluation.value = message.view));
      case "ErrorsView":
        return this.showSoon(message.type, () => (this.errors.value = message.view));
      case "ColonyView":
        return this.showSoon(message.type, () => (this.colony.value = message.view));
      case "FitView":
        return this.showSoon(message.type, () => (this.fit.value = message.view));
      case "Failure":
        this.notify("failure", message.view.text, message.view.remedy);
        return;
      case "Closing":
        this.closing.value = message.view.text;
        return;
    }
  }

  private greet(welcome: Welcome): void {
    batch(() => {
      this.welcome.value = welcome;
      this.closing.value = null;
      this.table.value = welcome.table;
      this.settings.value = welcome.settings;
      this.fields.value = welcome.fields;
      this.colony.value = welcome.colony;
      this.fit.value = welcome.fit;
      if (welcome.network) this.takeNetwork(welcome.network);
      else this.network.value = null;
    });
    this.takeProgress(welcome.progress);
    if (welcome.failure) this.notify("failure", welcome.failure.text, welcome.failure.remedy);
  }

  private takeProgress(progress: TableProgress | null): void {
    clearTimeout(this.progressTimer);
    if (progress?.status !== "running") this.tableProgress.value = null;
    else if (this.tableProgress.peek()) this.tableProgress.value = progress;
    else this.progressTimer = setTimeout(() => (this.tableProgress.value = progress), BUSY_AFTER);
  }

  /** Take a table. What was found with another table or label does not belong to it. */
  private takeTable(table: TableView): void {
    const task = (view: TableView | null) => JSON.stringify([view?.name, view?.rows, view?.label, view?.task]);
    batch(() => {
      if (task(table) !== task(this.table.peek())) {
        this.arrived.clear();
        this.evaluation.value = null;
        this.errors.value = null;
        this.colony.value = null;
        this.fit.value = null;
        this.fields.value = [];
      }
      this.table.value = table;
      const { partition } = this;
      if (table.label.length > 0 && table[`${partition.peek()}_rows`] === 0)
        partition.value = table.validation_rows > 0 ? "validation" : "train";
      if (table.label.length === 0) this.network.value = null;
    });
  }

  private takeNetwork(network: NetworkView): void {
    const shape = (view: NetworkView | null) => view?.layers.map((layer) => layer.width).join("-");
    batch(() => {
      if (shape(network) !== shape(this.network.peek())) {
        this.selectedNeuron.value = null;
        this.selectedWeight.value = null;
      }
      this.network.value = network;
    });
  }

  /** Show what is newest, and acknowledge the tick when it has been drawn. */
  private draw(): void {
    const { newestTick: tick, newestCurves: curves } = this;
    const changes = [...this.arrived.values()];
    this.newestTick = this.newestCurves = null;
    this.arrived.clear();
    batch(() => {
      for (const change of changes) change();
      if (curves) this.curves.value = curves;
      if (tick) this.tick.value = tick;
    });
    if (!tick) return;
    // Preact renders in a microtask, and effects draw right after; the next task comes when both are done.
    setTimeout(() => void this.connection.ask({ type: "Acknowledge", sequence: tick.sequence }).catch(() => {}), 0);
  }

  /** How many milliseconds a change may wait for the frame of the next tick. */
  private get patience(): number {
    return this.isRunning.peek() ? PATIENCE : 0;
  }

  private count(view: WatchedView, change: number): void {
    this.watched.set(view, (this.watched.get(view) ?? 0) + change);
    queueMicrotask(() => this.sendWatch());
  }

  private sendWatch(): void {
    const partition = this.partition.value;
    const rate = isCalm.value ? CALM_RATE : RATES[this.kind];
    if (this.isConnected.peek() !== true) return;
    const views = [...this.watched].filter(([, count]) => count > 0).map(([view]) => view);
    void this.act({ type: "Watch", views, partition, rate });
  }
}

const StoreContext = createContext<Store | null>(null);
export const StoreProvider = StoreContext.Provider;

/** The store of the page or widget in which a component is drawn. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("useStore needs a StoreProvider around it");
  return store;
}

/** Have a view pushed as long as the component is shown. */
export function useWatch(view: WatchedView): void {
  const store = useStore();
  useEffect(() => store.watch(view), [store, view]);
}
