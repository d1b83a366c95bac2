import type { Dashboard, Entry, JsonObject, Patch, Widget } from '@dashwire/client';
import { act, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Editing, EditingContext, isMine, pathsOf, touches, typedNumber } from './edit.ts';
import { nameOf } from './hints.ts';
import { ChoiceField, NumberField, TextField } from './inputs.tsx';
import { SeriesField, ThresholdsField } from './lists.tsx';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** What the fields did: each gesture with its patches, and how it ended. */
interface Done {
  readonly patches: Patch[];
  ended: 'open' | 'committed';
}

let done: Done[] = [];
let root: Root;
let page: HTMLElement;

const dashboard = {
  gesture() {
    const one: Done = { patches: [], ended: 'open' };
    done.push(one);
    return {
      updateWidget: (_: string, patch: Patch) => one.patches.push(patch),
      commit: () => {
        one.ended = 'committed';
      },
    };
  },
} as unknown as Dashboard;

beforeEach(() => {
  done = [];
  page = document.body.appendChild(document.createElement('div'));
  root = createRoot(page);
});

afterEach(async () => {
  await act(async () => root.unmount());
  page.remove();
});

const show = (widget: Widget, field: ReactNode, more: Partial<Editing> = {}) =>
  act(async () => {
    const editing: Editing = { dashboard, widgetId: 'w', widget, readOnly: false, hints: [], ...more };
    root.render(<EditingContext value={editing}>{field}</EditingContext>);
  });

const find = <E extends HTMLElement>(selector: string): E => {
  const found = page.querySelector<E>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
};

const type = (element: HTMLInputElement, text: string) =>
  act(async () => {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(element), 'value')?.set?.call(element, text);
    element.dispatchEvent(new Event('input', { bubbles: true }));
  });
const focus = (element: HTMLElement) => act(async () => element.focus());
const blur = (element: HTMLElement) => act(async () => element.blur());
const patches = () => done.filter((d) => d.patches.length > 0);

describe('a field', () => {
  test('M2 is one gesture from focus to blur, whatever is typed', async () => {
    await show({ title: 'CPU' }, <TextField path="/title" label="Title" />);
    const input = find<HTMLInputElement>('input');
    await focus(input);
    expect(done.map((d) => d.ended)).toEqual(['open']); // what it is based on is what stands there now
    await type(input, 'CP');
    await type(input, 'CPUs');
    await blur(input);
    expect(done).toEqual([
      { patches: [{ set: { '/title': 'CP' } }, { set: { '/title': 'CPUs' } }], ended: 'committed' },
    ]);
  });

  test('Enter ends one step and begins the next', async () => {
    await show({}, <TextField path="/config/unit" label="Unit" />);
    const input = find<HTMLInputElement>('input');
    await focus(input);
    await type(input, 'ms');
    await act(async () => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })));
    await type(input, '');
    await blur(input);
    expect(patches().map((d) => d.patches)).toEqual([
      [{ set: { '/config/unit': 'ms' } }],
      [{ unset: ['/config/unit'] }],
    ]);
  });

  test('a sheet that closes sends what was typed', async () => {
    await show({}, <TextField path="/title" label="Title" />);
    const input = find<HTMLInputElement>('input');
    await focus(input);
    await type(input, 'New');
    await act(async () => root.render(null));
    expect(patches()[0]?.ended).toBe('committed');
  });

  test('a page that is out of sight sends what was typed, and what is typed later is a step of its own', async () => {
    await show({ title: 'CPU' }, <TextField path="/title" label="Title" />);
    const input = find<HTMLInputElement>('input');
    await focus(input);
    await type(input, 'New');
    const visibility = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    await act(async () => document.dispatchEvent(new Event('visibilitychange')));
    expect(done.map((d) => d.ended)).toEqual(['committed']);
    visibility.mockRestore();
    await act(async () => document.dispatchEvent(new Event('visibilitychange')));
    await type(input, 'Newer');
    await blur(input);
    expect(done).toEqual([
      { patches: [{ set: { '/title': 'New' } }], ended: 'committed' },
      { patches: [{ set: { '/title': 'Newer' } }], ended: 'committed' },
    ]);
  });

  test('what is no number is kept in the field, said, and not sent', async () => {
    await show({ config: { min: 3 } }, <NumberField path="/config/min" label="Minimum" placeholder="" />);
    const input = find<HTMLInputElement>('input');
    expect(input.value).toBe('3');
    await focus(input);
    await type(input, '3x');
    await blur(input);
    expect(patches()).toEqual([]);
    expect(input.value).toBe('3x');
    expect(find('.field-problem').textContent).toMatch(/Write a number/);
    await focus(input);
    await type(input, '4,5');
    await blur(input);
    expect(patches()[0]?.patches).toEqual([{ set: { '/config/min': 4.5 } }]);
  });

  test('follows what others write, and says who', async () => {
    const field = <TextField path="/config/unit" label="Unit" />;
    await show({ config: { unit: 'ms' } }, field);
    const hints = [{ name: 'Ana', at: Date.now(), paths: ['/config'] }];
    await show({ config: { unit: 's' } }, field, { hints });
    expect(find<HTMLInputElement>('input').value).toBe('s');
    expect(page.textContent).toContain('changed by Ana just now');
  });

  test('shows a type that nobody here knows, and sends a choice at once', async () => {
    const options = [
      ['stat', 'Number'],
      ['gauge', 'Gauge'],
    ] as const;
    await show({ type: 'heatmap' }, <ChoiceField path="/type" label="Type" fallback="" options={options} />);
    const select = find<HTMLSelectElement>('select');
    expect(select.value).toBe('heatmap');
    await act(async () => {
      select.value = 'gauge';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    });
    expect(done).toEqual([{ patches: [{ set: { '/type': 'gauge' } }], ended: 'committed' }]);
  });
});

describe('a list', () => {
  const limits: JsonObject[] = [
    { value: 80, status: 'attention', note: 'kept' },
    { value: 95, status: 'danger' },
  ];
  test('is written whole, with what else its items hold (E6)', async () => {
    await show({ config: { thresholds: limits } }, <ThresholdsField />);
    const input = find<HTMLInputElement>('input[aria-label="Limit 1"]');
    await focus(input);
    await type(input, '70');
    await blur(input);
    expect(patches()).toEqual([
      { patches: [{ set: { '/config/thresholds': [{ ...limits[0], value: 70 }, limits[1]] } }], ended: 'committed' },
    ]);
  });

  test('goes with its last item', async () => {
    await show({ config: { thresholds: limits.slice(1) } }, <ThresholdsField />);
    await act(async () => find('button[aria-label="Remove number 1"]').click());
    expect(patches()[0]?.patches).toEqual([{ unset: ['/config/thresholds'] }]);
  });

  test('takes the place of what is no list', async () => {
    await show({ config: { series: 'x' } }, <SeriesField />);
    await act(async () => find('.field-add').click());
    expect(patches()[0]?.patches).toEqual([{ set: { '/config/series': [{ key: 'value1', label: 'line 1' }] } }]);
  });
});

test.each<[string, number | null | undefined]>([
  ['', undefined],
  [' ', undefined],
  ['12.5', 12.5],
  ['12,5', 12.5],
  ['−3', -3],
  ['2e3', 2000],
  ['.5', 0.5],
  ['1,234,5', null],
  ['0x10', null],
  ['Infinity', null],
  ['1e999', null],
  ['-', null],
  ['5 ms', null],
])('%j typed is %j', (text, expected) => {
  expect(typedNumber(text)).toBe(expected);
});

describe('who changed what', () => {
  test('a place is touched by what is at, above or below it, not by its neighbour', () => {
    expect(touches('/config/min', '/config')).toBe(true);
    expect(touches('', '/title')).toBe(true);
    expect(touches('/config/series', '/config/series/0')).toBe(true);
    expect(touches('/config/min', '/config/minimum')).toBe(false);
  });

  test('the places of a change', () => {
    expect(pathsOf({ widgets: { w: { set: { '/title': 'x' }, unset: ['/config/min'] } } }, 'w')).toEqual([
      '/title',
      '/config/min',
    ]);
    expect(pathsOf({ widgets: { w: { value: {} } } }, 'w')).toEqual(['']);
    expect(pathsOf({ widgets: { w: null } }, 'w')).toEqual([]);
    expect(pathsOf({ widgets: {} }, 'constructor')).toEqual([]);
  });

  const by = (clientId: string, userId: string | null) => ({ author: { clientId, userId } }) as Entry;
  test('C6 one is the pair of client and user', () => {
    expect(isMine(by('c', 'ana'), { clientId: 'c', userId: 'ana' })).toBe(true);
    expect(isMine(by('c', 'bo'), { clientId: 'c', userId: 'ana' })).toBe(false);
    expect(isMine(by('d', 'ana'), { clientId: 'c', userId: 'ana' })).toBe(false);
  });

  test('a name is that of the presence, else of the user', () => {
    const here = [{ sessionId: 's', clientId: 'c', userId: 'u1', state: { name: 'Ana' } }];
    expect(nameOf({ clientId: 'c', userId: 'u1' }, here)).toBe('Ana');
    expect(nameOf({ clientId: 'gone', userId: 'u1' }, here)).toBe('u1');
    expect(nameOf({ clientId: null, userId: null }, here)).toBe('somebody');
  });
});
