import { type Dashboards, DashwireError, type ImportResult, type Limits, type Readable, Store } from '@dashwire/client';
import { readFile } from './file.ts';
import { failureInWords, ownId } from './words.ts';

/** One file on its way in. */
export interface Import {
  readonly key: number;
  readonly file: string;
  readonly state:
    | { readonly name: 'waiting' | 'reading' | 'sending' | 'undoing' | 'undone' }
    | { readonly name: 'failed'; readonly problem: string }
    /** The id that the file gives itself is taken: a person decides. */
    | { readonly name: 'exists'; readonly id: string; readonly text: string }
    | { readonly name: 'done'; readonly result: ImportResult; readonly replaced: boolean };
}

/** Files that were dropped or chosen, until the sheet about them is closed. One is sent at a time. */
export class Imports {
  readonly #store = new Store<readonly Import[]>([]);
  #made = 0;
  #line: Promise<void> = Promise.resolve();
  /** Those that were on their way when the sheet was closed. */
  #hidden: readonly Import[] = [];

  get all(): Readable<readonly Import[]> {
    return this.#store;
  }

  /** Resolves when all of them are in, refused, or waiting for a decision. */
  add(files: readonly File[], dashboards: Dashboards, limits: Limits | null): Promise<void> {
    const added = files.map((file) => ({ file, key: ++this.#made }));
    this.#store.set([
      ...this.#store.getSnapshot(),
      ...added.map(({ file, key }) => ({ key, file: file.name, state: { name: 'waiting' } as const })),
    ]);
    for (const { file, key } of added) {
      this.#next(async () => {
        this.#set(key, { name: 'reading' });
        const read = await readFile(file, limits);
        if ('problem' in read) return this.#set(key, { name: 'failed', problem: read.problem });
        await this.#send(key, read.text, dashboards);
      });
    }
    return this.#line;
  }

  /** Decides about a file whose id is taken. */
  decide(key: number, choice: 'copy' | 'replace', dashboards: Dashboards): Promise<void> {
    const state = this.#find(key)?.state;
    if (state?.name !== 'exists') return this.#line;
    const { id, text } = state;
    this.#set(key, { name: 'waiting' });
    return this.#next(() =>
      this.#send(key, text, dashboards, choice === 'replace' ? { id, replace: true } : { id: copyId(id) }),
    );
  }

  /** Takes an import back: the dashboard that it made is deleted again. One that replaced another stays. */
  undo(key: number, dashboards: Dashboards): Promise<void> {
    const state = this.#find(key)?.state;
    if (state?.name !== 'done' || state.replaced) return this.#line;
    this.#set(key, { name: 'undoing' });
    return this.#next(async () => {
      try {
        await dashboards.delete(state.result.id);
        this.#set(key, { name: 'undone' });
      } catch (error) {
        this.#set(key, { name: 'failed', problem: failureInWords(error) });
      }
    });
  }

  /** Forgets all. What is on its way still gets there, and comes back to tell how. */
  clear(): void {
    this.#hidden = this.#store.getSnapshot().filter(({ state }) => isBusy(state));
    this.#store.set([]);
  }

  async #send(
    key: number,
    text: string,
    dashboards: Dashboards,
    options: { id?: string; replace?: boolean } = {},
  ): Promise<void> {
    this.#set(key, { name: 'sending' });
    try {
      const result = await dashboards.import(text, options);
      this.#set(key, { name: 'done', result, replaced: options.replace === true });
    } catch (error) {
      const id = options.id ?? ownId(text);
      if (error instanceof DashwireError && error.code === 'EXISTS' && id !== null) {
        this.#set(key, { name: 'exists', id, text });
      } else {
        this.#set(key, { name: 'failed', problem: failureInWords(error) });
      }
    }
  }

  #next(run: () => Promise<void>): Promise<void> {
    this.#line = this.#line.then(run);
    return this.#line;
  }

  #find(key: number): Import | undefined {
    return this.#store.getSnapshot().find((one) => one.key === key);
  }

  #set(key: number, state: Import['state']): void {
    const all = this.#store.getSnapshot();
    const hidden = this.#hidden.find((one) => one.key === key);
    if (hidden === undefined) this.#store.set(all.map((one) => (one.key === key ? { ...one, state } : one)));
    else if (!isBusy(state)) {
      this.#hidden = this.#hidden.filter((one) => one !== hidden);
      this.#store.set([...all, { ...hidden, state }]);
    }
  }
}

/** Whether something happens to it by itself. */
export function isBusy({ name }: Import['state']): boolean {
  return ['waiting', 'reading', 'sending', 'undoing'].includes(name);
}

/** All imports of this page. */
export const imports = new Imports();

/** An id beside another one, of the same kind and hardly taken (D2). */
export function copyId(id: string): string {
  const mark = Math.floor(Math.random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${id.slice(0, 118)}-copy-${mark}`;
}
