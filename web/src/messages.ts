/** What the person must read or answer. */

/** Something to read: a failure stays until it is closed, a note goes by itself. */
export interface Notice {
  readonly number: number;
  readonly kind: "failure" | "note";
  readonly text: string;
  readonly remedy: string;
}

/** A question before something is lost. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly answer: (isYes: boolean) => void;
}
