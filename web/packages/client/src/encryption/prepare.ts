import type { EditOptions } from '../api.ts';
import { patched } from '../change.ts';
import type { DashboardDocument, Patch, Pointer } from '../document.ts';
import { equal } from '../equal.ts';
import { DashwireError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { mergeEdits } from '../mergepatch.ts';
import type { BatchedOp, Op, OpFields, Policy } from '../operation.ts';
import {
  editsIn,
  getAt,
  isObject,
  joinPointer,
  member,
  parentOf,
  patchOf,
  reaches,
  setAt,
  unsetAt,
} from '../pointer.ts';
import { isLocked, isSealed } from '../sealing.ts';
import { Cell } from './cell.ts';
import { isSecure, unsafe } from './keyring.ts';
import { type Fields, type Matcher, type Owner, placeOf } from './place.ts';
import { noKey, type Vault } from './vault.ts';

export interface Preparation {
  readonly vault: Vault;
  readonly fields: Fields;
  readonly dashboardId: string;
  readonly options: EditOptions;
}

type Edits = ReadonlyMap<Pointer, Json | undefined>;

/**
 * The op with each plain value of an encrypted field in a cell. What is written back as it was keeps the bytes that are
 * there, and what is locked is not replaced unless that is wanted: else it throws `LOCKED`.
 */
export function prepareOp(given: Preparation, op: Op, seen: DashboardDocument | null): Op {
  const policy = op.policy ?? given.options.policy;
  if (op.type !== 'WIDGET_BATCH') return preparePart(given, op, seen, policy);
  let now = seen;
  const operations = op.operations.map((asked) => {
    const part = preparePart(given, asked, now, asked.policy ?? policy) as BatchedOp;
    // Later parts are made on what earlier ones leave.
    if (now && part.type === 'WIDGET_UPDATE') {
      const widget = patched(member(now.widgets, part.widgetId) ?? {}, part) as JsonObject;
      now = { ...now, widgets: { ...now.widgets, [part.widgetId]: widget } };
    } else if (now && part.type === 'DASHBOARD_UPDATE') {
      now = { ...now, settings: patched(now.settings, part) as JsonObject };
    }
    return part;
  });
  return { ...op, operations };
}

function preparePart(
  { vault, fields, dashboardId, options }: Preparation,
  op: Op,
  seen: DashboardDocument | null,
  policy: Policy | undefined,
): Op {
  if (op.type === 'LAYOUT_UPDATE' || op.type === 'LAYOUT_RESTORE' || op.type === 'WIDGET_BATCH') return op;
  const { changes, set, unset, prev, ...rest } = op as Op & OpFields & Patch & { readonly changes?: JsonObject };
  const widgetId = ('widgetId' in op && op.widgetId) || null;
  const owner: Owner = { dashboardId, widgetId };
  const now = widgetId === null ? seen?.settings : member(seen?.widgets, widgetId);
  const asked: Edits = changes
    ? mergeEdits(vault.open(now ?? {}, owner, '') as JsonObject, changes)
    : new Map(editsIn({ set, unset }));
  const values = new Values(
    vault,
    owner,
    now,
    fields.of(widgetId === null ? null : [now?.type, asked.get('/type')]),
    !options.overwriteLocked && policy !== 'skip' && op.type !== 'CONFLICT_RESOLVED',
  );
  if (op.type === 'WIDGET_DELETE' && !prev) return { ...op, ...values.sealed() };
  const edits = values.edits(asked);
  const before = prev && values.seen(prev);
  return {
    ...rest,
    ...(changes && edits.size === 0 ? { changes: {} } : patchOf(edits)),
    ...(before && { prev: before }),
  } as Op;
}

/** The values of one widget, or of the settings, on their way into an op. */
class Values {
  readonly #vault: Vault;
  readonly #owner: Owner;
  /** As the server has it, with what is pending; undefined = not known, or to be created. */
  readonly #now: JsonObject | undefined;
  readonly #matches: Matcher;
  /** Locked fields are not to be replaced. */
  readonly #guarded: boolean;

  constructor(vault: Vault, owner: Owner, now: JsonObject | undefined, matches: Matcher, guarded: boolean) {
    this.#vault = vault;
    this.#owner = owner;
    this.#now = now;
    this.#matches = matches;
    this.#guarded = guarded;
  }

  edits(asked: Edits): Map<Pointer, Json | undefined> {
    const out = new Map<Pointer, Json | undefined>();
    /** Fields of which only a part is edited: they are sealed as a whole. */
    const wholes = new Map<Pointer, Json | undefined>();
    for (const [path, value] of asked) {
      const field = this.#fieldAbove(path);
      if (field === undefined) {
        if (value === undefined) this.#guard(path, undefined);
        out.set(path, value === undefined ? undefined : this.#sealable(path, value));
        continue;
      }
      const whole = wholes.has(field) ? wholes.get(field) : this.#opened(field);
      const rest = path.slice(field.length);
      if (isLocked(whole)) throw locked(field);
      if (!reaches(whole, rest)) {
        throw new DashwireError('PATH', `${path} leads through a value that is no object: set ${field} whole`, {
          path,
        });
      }
      wholes.set(field, value === undefined ? unsetAt(whole, rest) : setAt(whole, rest, value));
    }
    for (const [field, whole] of wholes) if (whole !== undefined) out.set(field, this.#sealable(field, whole));
    return out;
  }

  /** The values that the op says were seen, as the server has them; what it could not know is left out. */
  seen(prev: Readonly<Record<Pointer, Json>>): Readonly<Record<Pointer, Json>> {
    const out: Record<Pointer, Json> = {};
    for (const [path, was] of Object.entries(prev)) {
      const now = getAt(this.#now, path);
      if (
        now !== undefined &&
        equal(this.#vault.open(was, this.#owner, path), this.#vault.open(now, this.#owner, path))
      ) {
        out[path] = now;
      } else if (!this.#isPlain(path, was)) out[path] = was;
    }
    return out;
  }

  /** What is sealed in all of it, so that it shows later whether another has changed that or only sealed it anew. */
  sealed(): { readonly prev?: Readonly<Record<Pointer, Json>> } {
    const prev: Record<Pointer, Json> = {};
    const visit = (path: Pointer, now: Json) => {
      if (isSealed(now) || now instanceof Cell) prev[path] = now;
      else if (isObject(now)) for (const [key, inner] of Object.entries(now)) visit(joinPointer(path, key), inner);
    };
    visit('', this.#now ?? {});
    return Object.keys(prev).length > 0 ? { prev } : {};
  }

  /** Whether a value has something plain where fields are encrypted. */
  #isPlain(path: Pointer, value: Json): boolean {
    if (isSealed(value) || value instanceof Cell) return false;
    if (this.#isField(path)) return true;
    return (
      isObject(value) && Object.entries(value).some(([key, inner]) => this.#isPlain(joinPointer(path, key), inner))
    );
  }

  /** By its pattern; and what is sealed stays so even if this page has no pattern for it. */
  #isField(path: Pointer): boolean {
    const now = getAt(this.#now, path);
    return this.#matches(path) || isSealed(now) || now instanceof Cell;
  }

  #fieldAbove(path: Pointer): Pointer | undefined {
    let found: Pointer | undefined;
    for (let above = parentOf(path); above; above = parentOf(above)) if (this.#isField(above)) found = above;
    return found;
  }

  #opened(path: Pointer): Json | undefined {
    const now = getAt(this.#now, path);
    return now === undefined ? undefined : this.#vault.open(now, this.#owner, path);
  }

  /** The value with a cell, or what is sealed already, in each encrypted field. */
  #sealable(path: Pointer, value: Json): Json {
    if (this.#isField(path)) return this.#field(path, value);
    if (isLocked(value)) throw elsewhere(path);
    if (isSealed(value) || value instanceof Cell) return value;
    this.#guard(path, value);
    if (!isObject(value)) return value;
    let copy: Record<string, Json> | undefined;
    for (const [key, inner] of Object.entries(value)) {
      const made = this.#sealable(joinPointer(path, key), inner);
      if (made === inner) continue;
      copy ??= { ...value };
      copy[key] = made;
    }
    return copy ?? value;
  }

  #field(path: Pointer, value: Json): Json {
    const place = placeOf(this.#owner, path);
    if (value instanceof Cell) return asJson(value.place === place ? value : new Cell(place, value.value));
    const sealed = isLocked(value) ? value.sealed : value;
    if (isSealed(sealed)) {
      if (this.#vault.headerOf(sealed)?.place === place) return sealed;
      if (isLocked(value)) {
        if (getAt(this.#now, path) === sealed) return sealed; // it was so before
        throw elsewhere(path);
      }
    }
    const now = getAt(this.#now, path);
    if (now instanceof Cell && equal(now.value, value)) return now;
    if (isSealed(now)) {
      const opened = this.#vault.open(now, this.#owner, path);
      if (equal(opened, value)) return now;
      if (this.#guarded && isLocked(opened)) throw locked(path);
    }
    if (!this.#vault.keys.writes) throw isSecure() ? noKey() : unsafe();
    return asJson(new Cell(place, value));
  }

  /** Refuses to take locked fields away with what holds them. */
  #guard(path: Pointer, value: Json | undefined): void {
    if (!this.#guarded) return;
    const visit = (at: Pointer, now: Json | undefined, next: Json | undefined): void => {
      if (isSealed(now)) {
        if (next === undefined && isLocked(this.#vault.open(now, this.#owner, at))) throw locked(at);
      } else if (isObject(now) && !(now instanceof Cell)) {
        for (const [key, inner] of Object.entries(now)) {
          visit(joinPointer(at, key), inner, isObject(next) ? member(next, key) : undefined);
        }
      }
    };
    visit(path, getAt(this.#now, path), value);
  }
}

const asJson = (cell: Cell): Json => cell as unknown as JsonObject;

const locked = (path: Pointer) =>
  new DashwireError(
    'LOCKED',
    `${path} is encrypted and cannot be opened here: add its key, or overwrite it on purpose`,
    {
      path,
    },
  );

const elsewhere = (path: Pointer) =>
  new DashwireError('LOCKED', `what cannot be opened here cannot be put in another place: ${path}`, { path });
