/** A question before something is lost. Escape and "Cancel" keep everything as it is. */
import { useEffect, useRef } from "preact/hooks";
import { useStore } from "../store.ts";

export function QuestionDialog() {
  const question = useStore().question.value;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question) dialog.current?.showModal();
  }, [question]);
  if (!question) return null;
  const { title, text, action, answer } = question;
  return (
    <dialog ref={dialog} class="question" aria-labelledby="question-title" onClose={() => answer(false)}>
      <h2 id="question-title">{title}</h2>
      <p>{text}</p>
      <div class="buttons">
        <button type="button" onClick={() => answer(false)}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={() => answer(true)}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
