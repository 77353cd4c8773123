/** The API key of this browser tab, and the question for it that one dialog answers for all waiting requests. */

const STORE = "lianpu.api-key";

export interface KeyQuestion {
  /** A key was sent and the server did not take it. */
  refused: boolean;
  answer: (key: string | null) => void;
}

let question: KeyQuestion | null = null;
let pending: Promise<boolean> | null = null;
const listeners = new Set<() => void>();

export function currentKey(): string | null {
  return sessionStorage.getItem(STORE);
}

export function openQuestion(): KeyQuestion | null {
  return question;
}

export function onQuestion(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function askForKey(refused: boolean): Promise<boolean> {
  pending ??= new Promise<boolean>((resolve) => {
    setQuestion({
      refused,
      answer: (key) => {
        if (key) sessionStorage.setItem(STORE, key);
        pending = null;
        setQuestion(null);
        resolve(key !== null);
      },
    });
  });
  return pending;
}

function setQuestion(next: KeyQuestion | null) {
  question = next;
  for (const listener of listeners) listener();
}
