import type { Pointer } from '../document.ts';
import { DashwireError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { isObject, joinPointer } from '../pointer.ts';
import { isSealed, type Locked } from '../sealing.ts';
import { Cell } from './cell.ts';
import { type Header, headerOf, open, seal } from './jwe.ts';
import { isSecure, type KeyRing, unsafe } from './keyring.ts';
import { type Owner, placeOf } from './place.ts';

/** How many sealed values are remembered; what is not any more is opened again when it is looked at. */
const most = 20_000;
/** How long a key may take that something is to be written with, in ms. */
const keyMs = 30_000;

/** A sealed value, as far as it is known. */
interface Entry {
  readonly header: Header | null;
  /** Opened. */
  value?: Json;
  locked?: Locked;
  opening?: Promise<void>;
}

/** All sealed values that have been seen, opened as far as their keys are here. */
export class Vault {
  readonly keys: KeyRing;
  /** Counts whenever something can be opened that could not, or the other way round. */
  revision = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #changed: () => void;

  constructor(keys: KeyRing, changed: () => void) {
    this.keys = keys;
    this.#changed = changed;
    let known = new Set(keys.state.getSnapshot().known);
    keys.state.subscribe(() => {
      const now = new Set(keys.state.getSnapshot().known);
      const gone = [...known].filter((kid) => !now.has(kid));
      known = now;
      for (const entry of this.#entries.values()) {
        if (gone.includes(entry.header?.kid ?? '')) entry.value = undefined;
      }
      void this.#look();
    });
  }

  /** The value in a place; plain ones as they are, those that do not open as {@link Locked}. */
  open(value: Json, owner: Owner, path: Pointer): Json {
    if (value instanceof Cell) return value.value;
    if (isSealed(value)) {
      const entry = this.#entry(value, true);
      const { header, value: plain, locked = lockedAs('opening', value, header) } = entry;
      if (plain === undefined) return locked as unknown as JsonObject;
      return header?.place === placeOf(owner, path)
        ? plain
        : (lockedAs('moved', value, header) as unknown as JsonObject);
    }
    if (!isObject(value)) return value;
    let copy: Record<string, Json> | undefined;
    for (const [key, inner] of Object.entries(value)) {
      const opened = this.open(inner, owner, joinPointer(path, key));
      if (opened === inner) continue;
      copy ??= { ...value };
      copy[key] = opened;
    }
    return copy ?? value;
  }

  /** What was sealed for another place, which the caller names; undefined = it does not open. */
  openAs(sealed: string, place: string): Json | undefined {
    const { header, value } = this.#entry(sealed);
    return header?.place === place ? value : undefined;
  }

  headerOf(sealed: string): Header | null {
    return this.#entry(sealed).header;
  }

  /** Opens all that is sealed in a value; undefined = nothing has to be waited for. Keys that have to be asked for are not. */
  ready(value: unknown): Promise<unknown> | undefined {
    const waits: Promise<void>[] = [];
    const visit = (inner: unknown): void => {
      if (isSealed(inner)) {
        const { opening } = this.#entry(inner);
        if (opening) waits.push(opening);
      } else if (typeof inner === 'object' && inner !== null)
        for (const key in inner) visit((inner as JsonObject)[key]);
    };
    visit(value);
    return waits.length > 0 ? Promise.all(waits) : undefined;
  }

  /** Seals a value for its place with the key of the moment. Rejects with `LOCKED`. */
  async seal(cell: Cell): Promise<string> {
    if (!isSecure()) throw unsafe();
    const kid = this.keys.current;
    if (kid === null) throw noKey();
    const key = this.keys.get(kid) ?? (await this.#asked(kid));
    if (!key) throw noKey(kid);
    const sealed = await seal(cell.value, cell.place, kid, await key);
    this.#remember(sealed, { header: { kid, place: cell.place }, value: cell.value });
    return sealed;
  }

  async #asked(kid: string): Promise<Promise<CryptoKey> | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, keyMs);
    });
    await Promise.race([this.keys.want(kid), late]);
    clearTimeout(timer);
    return this.keys.get(kid);
  }

  /** `shown`: somebody looks at it already, and hears when it is open. */
  #entry(sealed: string, shown = false): Entry {
    const known = this.#entries.get(sealed);
    if (known) return known;
    const entry: Entry = { header: headerOf(sealed) };
    this.#remember(sealed, entry);
    this.#begin(sealed, entry);
    if (shown) void entry.opening?.then(() => this.#tell());
    return entry;
  }

  #tell(): void {
    this.revision++;
    this.#changed();
  }

  #remember(sealed: string, entry: Entry): void {
    this.#entries.set(sealed, entry);
    if (this.#entries.size <= most) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Begins to open it, or says why not. */
  #begin(sealed: string, entry: Entry): void {
    const { header } = entry;
    const lock = (why: Locked['$locked']) => {
      if (entry.locked?.$locked !== why) entry.locked = lockedAs(why, sealed, header);
    };
    if (header?.kid == null) {
      lock(header ? 'newer' : 'damaged');
      return;
    }
    const key = this.keys.get(header.kid);
    if (!key) {
      lock(this.keys.want(header.kid) ? 'opening' : 'missing');
      return;
    }
    if (!entry.locked) lock('opening');
    entry.opening = key
      .then((known) => open(sealed, known))
      .then(
        (value) => {
          entry.value = value;
        },
        () => lock('damaged'),
      )
      .finally(() => {
        entry.opening = undefined;
      });
  }

  /** Keys have come or gone. */
  async #look(): Promise<void> {
    const waits: Promise<void>[] = [];
    for (const [sealed, entry] of this.#entries) {
      if (entry.value === undefined && !entry.opening) this.#begin(sealed, entry);
      if (entry.opening) waits.push(entry.opening);
    }
    await Promise.all(waits);
    this.#tell();
  }
}

function lockedAs(why: Locked['$locked'], sealed: string, header: Header | null): Locked {
  return { $locked: why, kid: header?.kid ?? null, sealed };
}

export const noKey = (kid?: string) =>
  new DashwireError(
    'LOCKED',
    kid === undefined
      ? 'this field is encrypted, and there is no key here to write it with: add one first'
      : `this field is encrypted, and its key ${kid} is not to be had: add it first`,
    { retryable: true },
  );
