import type { Pointer } from '../document.ts';
import { DashwireError } from '../errors.ts';
import { parsePointer } from '../pointer.ts';

/** Whose values: those of a widget, or of the settings (null), of one dashboard. */
export interface Owner {
  readonly dashboardId: string;
  readonly widgetId: string | null;
}

/** One place in one dashboard, as it is bound into what is sealed for it. Ids have no spaces (D2), so no two are alike. */
export const placeOf = ({ dashboardId, widgetId }: Owner, path: Pointer): string =>
  `${dashboardId} ${widgetId ?? ''} ${path}`;

/** Which fields are encrypted: JSON Pointers, in which `*` stands for any one name. */
export interface FieldPatterns {
  /** By the widget's `type`; `*` = of every widget. */
  readonly widgets?: Readonly<Record<string, readonly Pointer[]>>;
  readonly settings?: readonly Pointer[];
}

type Tokens = readonly string[];

/** The patterns that count for one owner. */
export type Matcher = (path: Pointer) => boolean;

/** Reads the patterns once. Throws `PATH` or `INVALID_VALUE` for one that cannot be. */
export class Fields {
  readonly #settings: readonly Tokens[];
  readonly #widgets: ReadonlyMap<string, readonly Tokens[]>;

  constructor({ widgets = {}, settings = [] }: FieldPatterns) {
    const read = (patterns: readonly Pointer[]) => patterns.map((pattern) => parsePointer(pattern));
    this.#settings = read(settings);
    this.#widgets = new Map(Object.entries(widgets).map(([type, patterns]) => [type, read(patterns)]));
    for (const [first] of [...this.#widgets.values()].flat()) {
      if (first !== 'type' && first !== '*') continue;
      const why = 'the type of a widget says which of its fields are encrypted, and cannot be one of them';
      throw new DashwireError('INVALID', why, { path: '/type' });
    }
  }

  /** Of settings (null), or of a widget that has one of these types; where no type is known, every pattern counts. */
  of(types: readonly unknown[] | null): Matcher {
    const named = types?.filter((type) => typeof type === 'string');
    const patterns = !named
      ? this.#settings
      : named.length === 0
        ? [...this.#widgets.values()].flat()
        : [...new Set(['*', ...named])].flatMap((type) => this.#widgets.get(type) ?? []);
    return (path) => {
      if (patterns.length === 0) return false;
      const tokens = path
        .split('/')
        .slice(1)
        .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
      return patterns.some(
        (pattern) =>
          pattern.length === tokens.length && pattern.every((token, i) => token === '*' || token === tokens[i]),
      );
    };
  }
}
