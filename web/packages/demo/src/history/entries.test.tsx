import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { authorsOf } from './authors.ts';
import { DifferenceList } from './difference-list.tsx';
import { Entries, Named } from './entries.tsx';
import type { LogState } from './log.ts';
import { Slider } from './slider.tsx';

afterEach(cleanup);

const personOf = authorsOf([], 'ana');
const row = (version: number, userId: string, words: string) => ({
  version,
  at: Date.UTC(2026, 10, 23, 12, version),
  author: { userId, clientId: null },
  words,
});
const rows = [row(3, 'ana', 'Moved CPU'), row(2, 'Calm-Heron', 'Added CPU'), row(1, 'bo', 'Made the dashboard')];
const log: LogState = { rows, loading: null, hasMore: false, error: null };
const nothing = () => {};

describe('Slider', () => {
  it('tells the version, who made it and what was done, and leads anywhere by keys', () => {
    const moved = vi.fn();
    render(<Slider rows={rows} min={1} max={3} value={2} row={rows[1]} personOf={personOf} onChange={moved} />);
    const slider = screen.getByRole('slider', { name: 'Version' });
    expect(slider.getAttribute('aria-valuetext')).toMatch(/^Version 2\. Calm-Heron: Added CPU\. /);
    fireEvent.change(slider, { target: { value: '1' } });
    expect(moved).toHaveBeenCalledWith(1);
  });

  it('says which version is now, and marks each author in their colour', () => {
    const { container } = render(
      <Slider rows={rows} min={1} max={3} value={3} row={undefined} personOf={personOf} onChange={nothing} />,
    );
    expect(screen.getByRole('slider').getAttribute('aria-valuetext')).toBe('Version 3, now');
    const colors = [...container.querySelectorAll<HTMLElement>('i')].map((tick) =>
      tick.style.getPropertyValue('--who'),
    );
    expect(colors).toEqual(rows.map(({ author }) => personOf(author).color));
    expect(new Set(colors).size).toBe(3);
  });
});

describe('Entries', () => {
  const shown = (props: Partial<Parameters<typeof Entries>[0]> = {}) => (
    <Entries
      log={log}
      names={[{ version: 2, name: 'Before', by: 'bo', at: '' }]}
      selected={3}
      personOf={personOf}
      onSelect={nothing}
      onMore={nothing}
      onRetry={nothing}
      {...props}
    />
  );

  it('lists who did what, and one’s own as You', () => {
    render(shown());
    const [first, second] = screen.getAllByRole('button');
    expect(first?.textContent).toContain('Moved CPU');
    expect(first?.textContent).toContain('You');
    expect(second?.textContent).toContain('Before');
  });

  it('is one stop of the Tab key; arrows select what is before and after', () => {
    const select = vi.fn();
    render(shown({ onSelect: select }));
    const [first, second, third] = screen.getAllByRole('button');
    expect([first?.tabIndex, second?.tabIndex, third?.tabIndex]).toEqual([0, -1, -1]);
    if (!first || !second) throw new Error('there are three');
    fireEvent.keyDown(first, { key: 'ArrowDown' });
    expect(document.activeElement).toBe(second);
    fireEvent.keyDown(second, { key: 'End' });
    fireEvent.keyDown(first, { key: 'ArrowUp' }); // nothing is before the newest
    expect(select.mock.calls).toEqual([[2], [1]]);
  });

  it('has a look for loading, for nothing, and for a fault with the way out of it', () => {
    const { rerender } = render(shown({ log: { ...log, rows: [], loading: 'first' } }));
    expect(screen.getByRole('status', { name: 'The history is loading' })).toBeTruthy();
    rerender(shown({ log: { ...log, rows: [] } }));
    expect(screen.getByText('Nothing was changed here yet.')).toBeTruthy();
    const retry = vi.fn();
    rerender(shown({ log: { ...log, rows: [], error: 'The server did not answer.' }, onRetry: retry }));
    expect(screen.getByRole('alert').textContent).toContain('The server did not answer.');
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(retry).toHaveBeenCalledOnce();
  });
});

describe('Named', () => {
  it('says how a version gets a name', () => {
    render(<Named names={[]} selected={1} onSelect={nothing} />);
    expect(screen.getByText(/No version has a name yet/)).toBeTruthy();
  });
});

describe('DifferenceList', () => {
  const place = (x: number) => ({ x, y: 0, w: 6, h: 4, static: false });
  const moved = (id: string) => ({
    id,
    title: id,
    kind: 'moved' as const,
    fields: [],
    place: { was: place(0), is: place(6) },
  });

  it('says each field as was → is, and shows a tile', () => {
    const show = vi.fn();
    const fields = [{ path: '/config/unit', was: undefined, is: 'x'.repeat(100) }];
    const changed = { id: 'cpu', title: 'CPU', kind: 'changed' as const, fields, place: null };
    const { container } = render(
      <DifferenceList
        differences={{ settings: [], grid: [], breakpoints: [], widgets: [changed, moved('mem')] }}
        onShow={show}
      />,
    );
    expect(container.textContent).toContain(`unitnot set →, now ${'x'.repeat(60)}…`);
    expect(container.textContent).toContain('placecolumn 1, row 1 →, now column 7, row 1');
    fireEvent.click(screen.getByRole('button', { name: 'CPU' }));
    expect(show).toHaveBeenCalledWith('cpu');
  });

  it('counts those that were only pushed aside, and says when nothing is different', () => {
    const widgets = ['a', 'b', 'c', 'd'].map(moved);
    const { rerender } = render(
      <DifferenceList differences={{ settings: [], grid: [], breakpoints: [], widgets }} onShow={nothing} />,
    );
    expect(screen.getByText('4 tiles')).toBeTruthy();
    rerender(
      <DifferenceList differences={{ settings: [], grid: [], breakpoints: [], widgets: [] }} onShow={nothing} />,
    );
    expect(screen.getByText('Nothing is different now.')).toBeTruthy();
  });
});
