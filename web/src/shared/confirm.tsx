// Asks before something is done that cannot be undone. The browser's own dialog keeps the focus, and
// Escape is a no. Its first button has the focus, which is the harmless one.

import { useLayoutEffect, useRef } from "preact/hooks";

export interface Question {
  title: string;
  text: string;
  /** What the button says that does it. */
  verb: string;
  act: () => void;
}

export function Confirm({ question, close }: { question: Question; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="question" aria-describedby="consequence" onClose={close}>
      <h2 id="question">{question.title}</h2>
      <p id="consequence">{question.text}</p>
      <div class="choices">
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            dialog.current?.close();
            question.act();
          }}
        >
          {question.verb}
        </button>
      </div>
    </dialog>
  );
}
