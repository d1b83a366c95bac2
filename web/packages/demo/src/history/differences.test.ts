import type { DashboardDocument } from '@dashwire/client';
import { describe, expect, it } from 'vitest';
import { differencesOf, isSame, sharing } from './differences.ts';

const place = (x: number, y: number) => ({ x, y, w: 6, h: 4, static: false });
const was: DashboardDocument = {
  id: 'ops',
  epoch: 'e',
  version: 1,
  settings: { title: 'Ops', tags: ['a'], versions: { 1: { name: 'First' } } },
  widgets: {
    cpu: { type: 'stat', title: 'CPU', config: { unit: '%', list: [1, 2], deep: { a: 1 } } },
    mem: { title: 'Memory' },
    old: { title: 'Old' },
  },
  layouts: {
    main: { columns: 24, compact: 'vertical', items: { cpu: place(0, 0), mem: place(6, 0), old: place(12, 0) } },
  },
};
const now: DashboardDocument = {
  ...was,
  version: 9,
  settings: { title: 'Operations', tags: ['a'] },
  widgets: {
    cpu: { type: 'stat', title: 'CPU', config: { unit: '%', list: [1, 3], deep: { b: 2 } } },
    mem: { title: 'Memory' },
    toString: { title: 'New' },
  },
  layouts: {
    main: { columns: 12, compact: 'vertical', items: { cpu: place(0, 0), mem: place(0, 4), toString: place(6, 0) } },
  },
};

describe('differencesOf', () => {
  it('tells added, removed, moved and changed ones apart, and each field as was and is', () => {
    const { settings, widgets, grid } = differencesOf(was, now);
    expect(settings).toEqual([{ path: '/title', was: 'Ops', is: 'Operations' }]);
    expect(grid).toEqual([{ path: '/columns', was: 24, is: 12 }]);
    expect(widgets.map(({ id, kind, title }) => [id, kind, title])).toEqual([
      ['cpu', 'changed', 'CPU'],
      ['old', 'removed', 'Old'],
      ['toString', 'added', 'New'],
      ['mem', 'moved', 'Memory'],
    ]);
    expect(widgets[0]?.fields).toEqual([
      { path: '/config/list', was: [1, 2], is: [1, 3] },
      { path: '/config/deep/a', was: 1, is: undefined },
      { path: '/config/deep/b', was: undefined, is: 2 },
    ]);
    expect(widgets[3]?.place).toEqual({ was: place(6, 0), is: place(0, 4) });
  });

  it('D6 finds nothing where only the order of keys is another', () => {
    const turned = {
      ...was,
      widgets: {
        ...was.widgets,
        cpu: { config: { list: [1, 2], deep: { a: 1 }, unit: '%' }, title: 'CPU', type: 'stat' },
      },
    };
    expect(isSame(differencesOf(was, turned))).toBe(true);
    expect(isSame(differencesOf(was, now))).toBe(false);
  });

  it('L7 counts the other breakpoints too', () => {
    const phone = { columns: 4, compact: 'vertical', items: { cpu: place(0, 0) } } as const;
    const before = { ...was, layouts: { ...was.layouts, phone } };
    const after = { ...was, layouts: { ...was.layouts, phone: { ...phone, items: { cpu: place(1, 0) } } } };
    expect(differencesOf(before, after).breakpoints).toEqual(['phone']);
    expect(differencesOf(before, was).breakpoints).toEqual(['phone']);
    expect(isSame(differencesOf(before, structuredClone(before)))).toBe(true);
  });

  it('tells a value that is null from one that is not there', () => {
    const [only] = differencesOf({ ...was, settings: { a: null } }, { ...was, settings: {} }).settings;
    expect(only).toEqual({ path: '/a', was: null, is: undefined });
  });
});

describe('sharing', () => {
  it('keeps the identity of what did not change, and only of that', () => {
    const read = structuredClone(was);
    const shared = sharing(read, now);
    expect(shared.widgets.mem).toBe(now.widgets.mem);
    expect(shared.widgets.cpu).toBe(read.widgets.cpu);
    expect(shared).toEqual(was);
  });
});
