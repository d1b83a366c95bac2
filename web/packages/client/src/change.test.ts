import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import composeVectors from '../../../../testdata/compose.json' with { type: 'json' };
import { applyChange, composeChanges } from './change.ts';
import type { Change, DashboardDocument, LayoutChange, Patch } from './document.ts';
import { normaliseLayout, placeNew } from './layout.ts';
import { editsOf, patchOf } from './pointer.ts';

const asDocument = (parts: unknown) => ({ id: 'd', epoch: 'e', version: 1, ...(parts as object) }) as DashboardDocument;

describe('vectors of compose.json', () => {
  it.each(composeVectors.cases)('E7 $description', (v) => {
    const start = asDocument(v.document);
    const changes = v.changes as unknown as Change[];
    const composed = changes.reduce(composeChanges, {});
    expect(composed).toEqual(v.composed);
    expect(changes.reduceRight((after, before) => composeChanges(before, after), {})).toEqual(v.composed);
    expect(changes.reduce(applyChange, start)).toEqual(asDocument(v.after));
    expect(applyChange(start, composed)).toEqual(asDocument(v.after));
  });
});

// A small world: few names, so that edits meet each other often.
const names = fc.constantFrom('a', 'b', 'c', 'a-b', 'toString');
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, 0, 1, 2.5, '', 'x'),
    fc.array(fc.constantFrom(1, 2, null), { maxLength: 2 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
  object: fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));
const objects = values.object as fc.Arbitrary<Record<string, never>>;
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((tokens) => `/${tokens.join('/')}`);
const patches = fc
  .array(fc.tuple(paths, fc.option(values.value, { nil: undefined, freq: 3 })), { maxLength: 4 })
  .map((edits) => {
    const apart = new Map<string, never>();
    for (const [path, value] of edits) {
      const clash = [...apart.keys()].some((p) => `${p}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${p}/`));
      if (!clash) apart.set(path, value as never);
    }
    return patchOf(apart);
  });
const widgetIds = fc.constantFrom('cpu', 'mem', 'disk');

/** A document, and a chain of changes as a server would commit them: each fits what is there. */
interface Chain {
  document: DashboardDocument;
  changes: Change[];
}
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('settings', 'create', 'edit', 'delete', 'move', 'grid', 'breakpoint'),
    id: widgetIds,
    value: objects,
    patch: patches,
    n: fc.integer({ min: 0, max: 11 }),
  }),
  { minLength: 2, maxLength: 8 },
);

function reachable(value: unknown, patch: Patch): Patch {
  const edits = [...editsOf(patch)].filter(([path]) => {
    let at = value;
    for (const token of path.split('/').slice(1, -1)) {
      if (at === undefined) return true;
      if (typeof at !== 'object' || at === null || Array.isArray(at)) return false;
      at = Object.hasOwn(at, token) ? (at as Record<string, unknown>)[token] : undefined;
    }
    return at === undefined || (typeof at === 'object' && at !== null && !Array.isArray(at));
  });
  return patchOf(new Map(edits));
}

const chains: fc.Arbitrary<Chain> = fc.tuple(objects, steps).map(([settings, all]) => {
  const document = asDocument({
    settings,
    widgets: {},
    layouts: { main: { columns: 12, compact: 'vertical', items: {} } },
  });
  let now = document;
  const changes = all.map(({ kind, id, value, patch, n }) => {
    const change = step(now, kind, id, value, patch, n);
    now = applyChange(now, change);
    return change;
  });
  return { document, changes };
});

function step(
  d: DashboardDocument,
  kind: string,
  id: string,
  value: Record<string, never>,
  patch: Patch,
  n: number,
): Change {
  const everywhere = (of: (name: string) => LayoutChange): Change['layouts'] =>
    Object.fromEntries(Object.keys(d.layouts).map((name) => [name, of(name)]));
  const main = d.layouts.main ?? { columns: 12, compact: 'vertical', items: {} };
  switch (kind) {
    case 'settings':
      return { settings: reachable(d.settings, patch) };
    case 'create':
      if (d.widgets[id]) return { widgets: { [id]: { value } } };
      return { widgets: { [id]: { value } }, layouts: everywhere(() => ({ items: { [id]: placeNew(main) } })) };
    case 'edit':
      return d.widgets[id] ? { widgets: { [id]: reachable(d.widgets[id], patch) } } : {};
    case 'delete':
      return d.widgets[id] ? { widgets: { [id]: null }, layouts: everywhere(() => ({ items: { [id]: null } })) } : {};
    case 'move':
      return main.items[id]
        ? { layouts: { main: { items: normaliseLayout(main, { [id]: { x: n, y: n } }).items } } }
        : {};
    case 'grid':
      return { layouts: { main: { columns: n + 1, compact: n % 2 ? 'none' : 'vertical' } as LayoutChange } };
    default:
      if (d.layouts.phone) return { layouts: { phone: null } };
      return { layouts: { phone: { columns: 4, ...(Object.keys(main.items).length > 0 && { items: main.items }) } } };
  }
}

describe('applyChange', () => {
  it('E7 one after the other is the same as composed', () => {
    fc.assert(
      fc.property(chains, ({ document, changes }) => {
        const one = changes.reduce(applyChange, document);
        expect(applyChange(document, changes.reduce(composeChanges, {}))).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  it('E7 composing is associative', () => {
    fc.assert(
      fc.property(chains, fc.nat(), ({ changes }, n) => {
        const cut = 1 + (n % (changes.length - 1));
        const left = changes.slice(0, cut).reduce(composeChanges, {});
        const right = changes.slice(cut).reduce(composeChanges, {});
        expect(composeChanges(left, right)).toEqual(changes.reduce(composeChanges, {}));
      }),
      { numRuns: 300 },
    );
  });

  it('E7 a change applied twice is the same as once, and gives the document back itself', () => {
    fc.assert(
      fc.property(chains, ({ document, changes }) => {
        const change = changes.reduce(composeChanges, {});
        const once = applyChange(document, change);
        expect(applyChange(once, change)).toBe(once);
      }),
    );
  });

  it('E7 changes nothing in place', () => {
    const frozen = (value: unknown): unknown => {
      if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
      return value;
    };
    fc.assert(
      fc.property(chains, ({ document, changes }) => {
        const composed = changes.reduce((a, b) => frozen(composeChanges(a, frozen(b) as Change)) as Change, {});
        applyChange(frozen(document) as DashboardDocument, composed);
      }),
    );
  });

  it('E7 keeps what does not change, and the version', () => {
    const document = asDocument({
      settings: { title: 'Ops' },
      widgets: { cpu: { title: 'CPU', config: { unit: '%', axes: [1] } }, mem: { title: 'Memory' } },
      layouts: {
        main: { columns: 12, compact: 'vertical', items: { cpu: { x: 0, y: 0, w: 6, h: 4, static: false } } },
      },
    });
    const after = applyChange(document, { widgets: { cpu: { set: { '/config/unit': 'ms', '/title': 'CPU' } } } });
    expect(after.widgets.cpu).toEqual({ title: 'CPU', config: { unit: 'ms', axes: [1] } });
    expect(after.version).toBe(1);
    expect(after.settings).toBe(document.settings);
    expect(after.layouts).toBe(document.layouts);
    expect(after.widgets.mem).toBe(document.widgets.mem);
    expect(document.widgets.cpu).toMatchObject({ config: { unit: '%' } });
    const moved = applyChange(document, {
      layouts: { main: { items: { cpu: { x: 0, y: 0, w: 6, h: 4, static: false } } } },
    });
    expect(moved).toBe(document);
  });

  it('E7 a deleted widget leaves every breakpoint, named there or not', () => {
    const items = { cpu: placeNew({ columns: 4, compact: 'none', items: {} }) };
    const grid = { columns: 4, compact: 'none', items };
    const document = asDocument({ settings: {}, widgets: { cpu: {} }, layouts: { main: grid, phone: grid } });
    const after = applyChange(document, { widgets: { cpu: null } });
    expect([after.widgets, after.layouts.main?.items, after.layouts.phone?.items]).toEqual([{}, {}, {}]);
  });

  it('D2 takes ids that are names of Object.prototype', () => {
    const document = asDocument({ settings: {}, widgets: {}, layouts: {} });
    expect(applyChange(document, { widgets: { toString: { set: { '/a': 1 } } } })).toBe(document);
    expect(applyChange(document, { widgets: { valueOf: { value: { a: 1 } } } }).widgets).toEqual({ valueOf: { a: 1 } });
  });
});
