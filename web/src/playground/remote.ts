// Calls from the page to the worker and back.

/** A method that is called in another realm, and so is answered by a promise. */
export type Remote<T> = {
  readonly [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never;
};

interface Asked {
  id: number;
  method: string;
  args: unknown[];
}

type Told = { id: number; answer: unknown } | { id: number; error: string } | { news: unknown };

/** The methods of a worker; `hear` is told what it says without being asked. */
export function connect<T extends object>(worker: Worker, hear?: (news: unknown) => void): Remote<T> {
  const pending = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  let count = 0;
  worker.onmessage = ({ data }: MessageEvent<Told>) => {
    if ("news" in data) return hear?.(data.news);
    const call = pending.get(data.id);
    pending.delete(data.id);
    if ("error" in data) call?.reject(new Error(data.error));
    else call?.resolve(data.answer);
  };
  const method =
    (name: string) =>
    (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        const id = ++count;
        pending.set(id, { resolve, reject });
        worker.postMessage({ id, method: name, args } satisfies Asked);
      });
  // `then` is none of its methods, or it would be taken for a promise.
  const get = (_: object, name: string | symbol) =>
    name === "then" || typeof name === "symbol" ? undefined : method(name);
  return new Proxy({}, { get }) as Remote<T>;
}

/** In the worker: answers calls by the methods of `served`, once it is there. */
export function serve(served: object | Promise<object>): void {
  addEventListener("message", async ({ data: { id, method, args } }: MessageEvent<Asked>) => {
    try {
      const methods = (await served) as Record<string, (...args: unknown[]) => unknown>;
      tell({ id, answer: await methods[method]?.(...args) });
    } catch (error) {
      tell({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

/** In the worker: says something without being asked. */
export function say(news: unknown): void {
  tell({ news });
}

function tell(told: Told): void {
  // The types are a page's, whose `postMessage` wants to know for whom.
  (postMessage as (message: unknown) => void)(told);
}
