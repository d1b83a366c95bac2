import type { Change, Entry } from '@dashwire/client';
import { describe, expect, it } from 'vitest';
import { fieldName, titlesIn, wordsOf } from './words.ts';

const titles: Readonly<Record<string, string>> = { cpu: 'CPU', mem: 'Memory' };
const words = (type: Entry['type'], change: Change, version = 7) =>
  wordsOf({ type, version, change }, (id) => titles[id] ?? id);
const place = { x: 0, y: 0, w: 6, h: 4, static: false };

describe('wordsOf', () => {
  it.each<[string, Entry['type'], Change]>([
    ['Renamed a tile to “Load”', 'WIDGET_UPDATE', { widgets: { cpu: { set: { '/title': 'Load' } } } }],
    [
      'Changed CPU: unit, title',
      'WIDGET_UPDATE',
      { widgets: { cpu: { set: { '/config/unit': '%', '/title': 'x' } } } },
    ],
    [
      'Changed CPU: a, b, c and 1 more',
      'WIDGET_UPDATE',
      { widgets: { cpu: { set: { '/config/a': 1, '/config/b': 1 }, unset: ['/config/c', '/d'] } } },
    ],
    ['Made CPU a “gauge”', 'WIDGET_UPDATE', { widgets: { cpu: { set: { '/type': 'gauge' } } } }],
    [
      'Added Disk',
      'WIDGET_UPDATE',
      { widgets: { d: { value: { title: 'Disk' } } }, layouts: { main: { items: { d: place } } } },
    ],
    ['Deleted Memory', 'WIDGET_DELETE', { widgets: { mem: null }, layouts: { main: { items: { mem: null } } } }],
    ['Moved CPU', 'LAYOUT_UPDATE', { layouts: { main: { items: { cpu: place } } } }],
    ['Moved CPU and Memory', 'LAYOUT_UPDATE', { layouts: { main: { items: { cpu: place, mem: place } } } }],
    [
      'Moved 3 tiles on “phone”',
      'LAYOUT_UPDATE',
      { layouts: { phone: { items: { cpu: place, mem: place, x: place } } } },
    ],
    ['Removed the layout “phone”', 'LAYOUT_UPDATE', { layouts: { phone: null } }],
    ['Set the grid to 1 column', 'LAYOUT_UPDATE', { layouts: { main: { columns: 1 } } }],
    ['Left gaps between tiles', 'LAYOUT_UPDATE', { layouts: { main: { compact: 'none' } } }],
    ['Restored an earlier layout', 'LAYOUT_RESTORE', { layouts: { main: { items: { cpu: place } } } }],
    ['Renamed the dashboard to “Ops”', 'DASHBOARD_UPDATE', { settings: { set: { '/title': 'Ops' } } }],
    [
      'Named version 3 “Before”',
      'DASHBOARD_UPDATE',
      { settings: { set: { '/versions/3': { name: 'Before', by: 'ana', at: '' } } } },
    ],
    ['Took the name off version 3', 'DASHBOARD_UPDATE', { settings: { unset: ['/versions/3'] } }],
    ['Changed the dashboard: tags', 'DASHBOARD_UPDATE', { settings: { set: { '/tags': [] } } }],
    [
      'Settled a conflict: changed CPU: unit',
      'CONFLICT_RESOLVED',
      { widgets: { cpu: { set: { '/config/unit': 1 } } } },
    ],
    ['Settled a conflict: left as it was', 'CONFLICT_RESOLVED', {}],
    [
      'Added 3 tiles, deleted CPU and changed Memory: note',
      'WIDGET_BATCH',
      { widgets: { a: { value: {} }, b: { value: {} }, c: { value: {} }, cpu: null, mem: { set: { '/note': 1 } } } },
    ],
    ['Deleted the dashboard', 'DASHBOARD_DELETE', {}],
    ['Saved without a change that shows', 'WIDGET_BATCH', {}],
  ])('%s', (expected, type, change) => {
    expect(words(type, change)).toBe(expected);
  });

  it('tells the making of a dashboard from a change of it', () => {
    const change = { settings: { set: { '/title': 'Ops' } }, widgets: { a: { value: {} } } };
    expect(words('WIDGET_BATCH', change, 1)).toBe('Made the dashboard, with 1 tile');
    expect(words('WIDGET_BATCH', { settings: { set: { '/title': 'Ops' } } }, 1)).toBe('Made the dashboard');
    expect(words('WIDGET_BATCH', change, 2)).toBe('Renamed the dashboard to “Ops” and added a');
  });
});

describe('titlesIn', () => {
  it('finds what a widget was called', () => {
    const change = {
      widgets: { a: { value: { title: 'A' } }, b: { set: { '/title': 'B' } }, c: { set: { '/title': 3 } }, d: null },
    };
    expect(titlesIn(change)).toEqual([
      ['a', 'A'],
      ['b', 'B'],
    ]);
  });
});

describe('fieldName', () => {
  it.each([
    ['/title', 'title'],
    ['/config', 'config'],
    ['/config/axis/min', 'axis › min'],
    ['/a~1b/c~0d', 'a/b › c~d'],
    ['', 'everything'],
  ])('%s is %s', (path, name) => {
    expect(fieldName(path)).toBe(name);
  });
});
