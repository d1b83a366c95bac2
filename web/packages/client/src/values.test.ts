import { describe, expect, it, vi } from 'vitest';
import type { WidgetData } from './message.ts';
import { LiveValues } from './values.ts';

const append = (data: WidgetData['data'], window?: number): WidgetData => ({ data, mode: 'append', window });
const replace = (data: WidgetData['data'], window?: number): WidgetData => ({ data, mode: 'replace', window });
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('LiveValues', () => {
  it('W1 keep the newest value, and each widget its own', () => {
    const values = new LiveValues();
    values.apply({ cpu: replace(1), disk: replace({ used: 2 }) });
    values.apply({ cpu: replace(3) });
    expect(values.widget('cpu').getSnapshot()).toEqual({ data: 3, mode: 'replace' });
    expect(values.widget('disk').getSnapshot()).toEqual({ data: { used: 2 }, mode: 'replace' });
    expect(values.widget('toString').getSnapshot()).toBeUndefined();
  });

  it('W1 append to a window and cut it at its size', () => {
    const values = new LiveValues();
    const cpu = values.widget('cpu');
    values.apply({ cpu: append([1, 2], 3) });
    const before = cpu.getSnapshot();
    values.apply({ cpu: append([3, 4], 3) });
    expect(before).toEqual({ data: [1, 2], mode: 'replace', window: 3 });
    expect(cpu.getSnapshot()).toEqual({ data: [2, 3, 4], mode: 'replace', window: 3 });
    values.apply({ cpu: append([5, 6, 7, 8], 3) });
    expect(cpu.getSnapshot()?.data).toEqual([6, 7, 8]);
    values.apply({ cpu: append([9], 2) });
    expect(cpu.getSnapshot()).toEqual({ data: [8, 9], mode: 'replace', window: 2 });
    values.apply({ cpu: append([], 2) });
    expect(cpu.getSnapshot()?.data).toEqual([8, 9]);
  });

  it('W1 a window without a size, or with too large a one, has 1,000 points', () => {
    const values = new LiveValues();
    values.apply({ cpu: append(numbers(0, 900)), mem: append(numbers(0, 1500), 5000) });
    values.apply({ cpu: append(numbers(900, 1100)) });
    expect(values.widget('cpu').getSnapshot()?.data).toEqual(numbers(100, 1100));
    expect(values.widget('mem').getSnapshot()).toEqual({ data: numbers(500, 1500), mode: 'replace', window: 1000 });
  });

  it('W1 replacing sets a window; between it and a plain value one begins anew', () => {
    const values = new LiveValues();
    const cpu = values.widget('cpu');
    values.apply({ cpu: append([1, 2], 3) });
    values.apply({ cpu: replace([7, 8, 9, 10], 3) });
    expect(cpu.getSnapshot()).toEqual({ data: [8, 9, 10], mode: 'replace', window: 3 });
    values.apply({ cpu: replace([1, 2]) });
    expect(cpu.getSnapshot()).toEqual({ data: [1, 2], mode: 'replace' });
    values.apply({ cpu: append([3], 3) });
    expect(cpu.getSnapshot()?.data).toEqual([3]);
  });

  it('W1 tell those who watch what changed, once for each message', () => {
    const values = new LiveValues();
    const [cpu, mem] = [vi.fn(), vi.fn()];
    values.widget('cpu').subscribe(cpu);
    values.widget('mem').subscribe(mem);
    values.apply({ cpu: append([1, 2, 3], 300) });
    values.apply({ cpu: append([4], 300), other: replace(1) });
    expect([cpu.mock.calls.length, mem.mock.calls.length]).toEqual([2, 0]);
    values.apply({ mem: replace({ used: 1 }) });
    expect(mem).toHaveBeenCalledTimes(1);
  });

  it('W1 tell of an equal value that came again: it is fresh', () => {
    const values = new LiveValues();
    const mem = vi.fn();
    values.widget('mem').subscribe(mem);
    for (let i = 0; i < 3; i++) values.apply({ mem: replace({ used: 1 }) });
    expect(mem).toHaveBeenCalledTimes(3);
    values.replace({ mem: replace({ used: 1 }) }); // asked for again after a reconnect: nothing new
    expect(mem).toHaveBeenCalledTimes(3);
  });

  it('W2 replace all by what the server has, and forget what is gone', () => {
    const values = new LiveValues();
    values.apply({ cpu: append([1], 3), mem: replace(1), disk: replace(1) });
    const [cpu, mem, disk] = ['cpu', 'mem', 'disk'].map((id) => values.widget(id));
    const unchanged = vi.fn();
    disk?.subscribe(unchanged);
    values.replace({ cpu: replace([5, 6], 3), disk: replace(1) });
    expect([cpu, mem, disk].map((v) => v?.getSnapshot()?.data)).toEqual([[5, 6], undefined, 1]);
    values.apply({ cpu: append([7], 3) });
    expect(cpu?.getSnapshot()?.data).toEqual([5, 6, 7]);
    expect(unchanged).not.toHaveBeenCalled();
    values.drop(['cpu', 'none']);
    expect(cpu?.getSnapshot()).toBeUndefined();
    expect(values.widget('cpu').getSnapshot()).toBeUndefined();
  });
});
