import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { Profiler, type ReactNode, useEffect } from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../test/axe.ts';
import { conflict, pendingOperation, person, Scene, type Stage } from '../../test/scene.ts';
import { usePresence } from '../hooks/usePresence.ts';
import { useWidget } from '../hooks/useWidget.ts';
import { DashboardRealtimeProvider } from '../provider.tsx';
import { WidgetRealtime, type WidgetRealtimeProps } from './widget-realtime.tsx';

let scene: Scene;
let stage: Stage;
let broken = false;
beforeEach(() => {
  scene = new Scene();
  stage = scene.stage('d1');
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function Chart({ id }: { readonly id: string }) {
  const [widget] = useWidget(id);
  if (broken) throw new Error('No query is set: open the settings.');
  return <p>{String(widget?.title)}</p>;
}

function Odd() {
  if (broken) throw 'odd';
  return <p>good</p>;
}

function Hand({ own }: { readonly own: { update?: ReturnType<typeof usePresence>[1] } }) {
  const [, update] = usePresence();
  useEffect(() => {
    own.update = update;
  }, [own, update]);
  return null;
}

function Page({ children }: { readonly children: ReactNode }) {
  return (
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1" presence={{ name: 'Me', color: '#224466' }}>
      {children}
    </DashboardRealtimeProvider>
  );
}

function show(props: Partial<WidgetRealtimeProps> = {}) {
  const shown = render(
    <Page>
      <WidgetRealtime id="cpu" {...props}>
        {props.children ?? 'body'}
      </WidgetRealtime>
    </Page>,
  );
  const widget = shown.container.querySelector<HTMLElement>('.dw-widget');
  if (widget === null) throw new Error('no widget is shown');
  return { ...shown, widget };
}

describe('who else is at it (W3)', () => {
  test('its name and colour; what is done there is said in words', async () => {
    const { widget } = show();
    expect(widget.querySelector('.dw-who')).toBeNull();
    act(() =>
      stage.presence.set([
        { ...person('S1', { name: 'Me', widgetId: 'cpu', mode: 'edit' }, 'me'), clientId: 'C1' },
        person('S2', { name: 'Ana', color: '#ffcc00', widgetId: 'cpu', mode: 'drag' }),
        person('S3', { name: 'Bo', color: '#112233', widgetId: 'cpu', mode: 'edit' }),
        person('S4', { name: 'Cy', widgetId: 'disk', mode: 'edit' }),
        person('S5', { name: 'Di', widgetId: 'cpu' }),
      ]),
    );
    expect(widget.querySelector('.dw-who bdi')?.textContent).toBe('Ana, Bo');
    expect(widget.querySelector('.dw-who .dw-hidden')?.textContent).toBe('Ana is moving, Bo is editing');
    expect(widget.dataset.dwMode).toBe('drag');
    expect(widget.style.getPropertyValue('--dw-who')).toBe('#ffcc00');
    expect(widget.style.getPropertyValue('--dw-ink')).toBe('#0b1018');
    await expectAccessible(widget);
    act(() => stage.presence.set([]));
    expect(widget.querySelector('.dw-who')).toBeNull();
    expect(widget.style.getPropertyValue('--dw-who')).toBe('');
  });

  test('anything may stand in a presence', () => {
    const { widget } = show();
    const long = 'x'.repeat(200);
    act(() =>
      stage.presence.set([
        person('S2', null),
        person('S3', [1]),
        person('S4', { widgetId: 7, mode: 'edit' }),
        person('S5', { name: '<b>B</b>', color: 'url(//evil)', widgetId: 'cpu', mode: 'edit' }),
        person('S6', { name: long, widgetId: 'cpu', mode: 'dance' }),
        person('S7', { name: ' ', widgetId: 'cpu', mode: 'edit' }, ''),
      ]),
    );
    expect(widget.querySelector('b')).toBeNull();
    expect(widget.querySelector('.dw-who bdi')?.textContent).toBe(`<b>B</b>, ${'x'.repeat(60)}, Somebody`);
    expect(widget.querySelector('.dw-who .dw-hidden')?.textContent).toContain(`${'x'.repeat(60)} is here`);
    expect(widget.style.getPropertyValue('--dw-who')).toMatch(/^var\(--dw-person[0-7]\)$/);
  });

  test('a cursor that moves draws nothing again', () => {
    const drawn = vi.fn();
    render(
      <Page>
        <Profiler id="cpu" onRender={drawn}>
          <WidgetRealtime id="cpu">body</WidgetRealtime>
        </Profiler>
      </Page>,
    );
    const at = (x: number) => person('S2', { name: 'Ana', widgetId: 'cpu', mode: 'edit', cursor: { x } });
    act(() => stage.presence.set([at(1)]));
    const before = drawn.mock.calls.length;
    act(() => stage.presence.set([at(2)]));
    act(() => stage.presence.set([at(3), person('S3', { widgetId: 'disk', mode: 'edit' })]));
    expect(drawn).toHaveBeenCalledTimes(before);
  });
});

describe("one's own presence", () => {
  const told = () => scene.calls.filter(([name]) => name === 'setPresence').map(([, state]) => state);
  const me = { name: 'Me', color: '#224466' };

  test('follows the focus, tells typing, and is taken back', async () => {
    render(
      <Page>
        <WidgetRealtime id="cpu">
          <button type="button">menu</button>
          <input aria-label="title" />
        </WidgetRealtime>
        <WidgetRealtime id="disk">
          <input aria-label="other" />
        </WidgetRealtime>
      </Page>,
    );
    await act(async () => {});
    await act(async () => screen.getByRole('button').focus());
    await act(async () => screen.getByLabelText('title').focus());
    await act(async () => screen.getByLabelText('other').focus());
    await act(async () => screen.getByLabelText('other').blur());
    const all = told();
    expect(all[0]).toEqual(me);
    expect(all).toContainEqual({ ...me, widgetId: 'cpu' });
    expect(all).toContainEqual({ ...me, widgetId: 'cpu', mode: 'edit' });
    expect(all).toContainEqual({ ...me, widgetId: 'disk', mode: 'edit' });
    expect(all.at(-1)).toEqual(me);
    for (const [at, state] of all.entries()) expect(state).not.toEqual(all[at - 1]);
  });

  test('what the app says about where one is outlasts the focus in a tile, but not what is done there', async () => {
    const own: { update?: ReturnType<typeof usePresence>[1] } = {};
    const page = (mode: string | null) => (
      <Page>
        <Hand own={own} />
        <WidgetRealtime id="cpu">
          <button type="button">settings</button>
        </WidgetRealtime>
        <WidgetRealtime id="disk" mode={mode}>
          disk
        </WidgetRealtime>
      </Page>
    );
    const { rerender } = render(page(null));
    await act(async () => screen.getByRole('button').focus());
    await act(async () => own.update?.({ widgetId: 'cpu', mode: 'edit', panel: 'query' }));
    await act(async () => screen.getByRole('button').blur());
    expect(told().at(-1)).toEqual({ ...me, widgetId: 'cpu', mode: 'edit', panel: 'query' });
    await act(async () => rerender(page('drag')));
    expect(told().at(-1)).toEqual({ ...me, widgetId: 'disk', mode: 'drag', panel: 'query' });
    await act(async () => rerender(page(null)));
    expect(told().at(-1)).toEqual({ ...me, widgetId: 'cpu', mode: 'edit', panel: 'query' });
    await act(async () => own.update?.({ widgetId: null, mode: null, panel: null }));
    expect(told().at(-1)).toEqual(me);
  });

  test('tells what the app says is done, and nothing more once the widget is gone', async () => {
    const { rerender } = show({ mode: 'drag' });
    await act(async () => {});
    expect(told()).toEqual([{ ...me, widgetId: 'cpu', mode: 'drag' }]);
    await act(async () => rerender(<Page>{null}</Page>));
    expect(told().at(-1)).toEqual(me);
  });
});

test('changes that are not saved are marked after 400 ms, with words', async () => {
  vi.useFakeTimers();
  const { widget } = show();
  act(() => scene.pending.set([pendingOperation({ createdAt: Date.now() })]));
  act(() => vi.advanceTimersByTime(399));
  expect(widget.hasAttribute('data-dw-unsaved')).toBe(false);
  act(() => vi.advanceTimersByTime(1));
  expect(widget.hasAttribute('data-dw-unsaved')).toBe(true);
  expect(screen.getByText('Not saved yet')).toBeTruthy();
  vi.useRealTimers();
  await expectAccessible(widget);
  act(() => scene.pending.set([]));
  expect(widget.hasAttribute('data-dw-unsaved')).toBe(false);
});

test('a conflict is a mark and a counter that opens it', async () => {
  const { widget } = show();
  act(() => scene.conflicts.set([conflict()]));
  expect(widget.hasAttribute('data-dw-conflict')).toBe(true);
  await expectAccessible(widget);
  fireEvent.click(screen.getByRole('button', { name: 'Needs your decision (1)' }));
  expect(screen.getByRole('dialog')).toBeTruthy();
});

describe('a widget that fails', () => {
  beforeEach(() => {
    broken = true;
    vi.spyOn(console, 'error').mockImplementation(() => {});
  });

  test('shows its own error, leaves the others alone, and tries again when asked', async () => {
    const onError = vi.fn();
    render(
      <Page>
        <WidgetRealtime id="cpu" onError={onError}>
          <Chart id="cpu" />
        </WidgetRealtime>
        <WidgetRealtime id="disk">fine</WidgetRealtime>
      </Page>,
    );
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toBe(' This widget failedNo query is set: open the settings.Try again');
    expect(screen.getByText('fine')).toBeTruthy();
    expect(onError.mock.calls[0]?.[0].message).toBe('No query is set: open the settings.');
    await expectAccessible(alert);
    broken = false;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(screen.getByText('cpu')).toBeTruthy();
  });

  test('tries again by itself when somebody changes it', () => {
    show({ children: <Chart id="cpu" /> });
    broken = false;
    act(() => stage.widget('disk').set({ title: 'other' }));
    expect(screen.getByRole('alert')).toBeTruthy();
    act(() => stage.widget('cpu').set({ title: 'mended' }));
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByText('mended')).toBeTruthy();
  });

  test('may be shown by the app; what is thrown may be anything', () => {
    show({
      children: <Odd />,
      renderError: (error, retry) => (
        <button type="button" onClick={retry}>
          {error.message}
        </button>
      ),
    });
    expect(screen.getByRole('button').textContent).toBe('odd');
    broken = false;
    fireEvent.click(screen.getByRole('button'));
    expect(screen.getByText('good')).toBeTruthy();
  });
});
