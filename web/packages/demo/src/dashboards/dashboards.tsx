import type { DashboardSummary, DashwireClient } from '@dashwire/client';
import { useClient, useReadable } from '@dashwire/react';
import { FileUp, Plus, Search } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { announce } from '../announce.ts';
import { imports } from '../import/imports.ts';
import { count } from '../import/words.ts';
import { dashboardHref } from '../routes.ts';
import { useBack } from '../shell/away.ts';
import { download } from '../shell/edits.ts';
import { useStale } from '../shell/stale.ts';
import { Message } from '../shell/states.tsx';
import { toast } from '../shell/toasts.ts';
import './dashboards.css';
import { Card, type CardActions, DeletedCard } from './card.tsx';
import { nextCard } from './card-keys.ts';
import { DashboardList, type ListState } from './list.ts';
import { LiveCards } from './live-cards.ts';

/** How long writing in the search may pause before it is asked, in ms. */
const searchMs = 200;

/** All dashboards that one may see. */
export function DashboardsPage(): ReactNode {
  const client = useClient();
  const list = useMemo(() => new DashboardList(client.dashboards), [client]);
  const lives = useMemo(() => new LiveCards(client), [client]);
  const state = useReadable(list.state);
  const all = useReadable(imports.all);
  const now = useNow();
  const [query, setQuery] = useState('');
  const [deleted, setDeleted] = useState(false);
  const searched = useRef('');

  useEffect(() => {
    document.title = 'Dashboards · Dashwire';
    return () => {
      list.stop();
      lives.close();
    };
  }, [list, lives]);
  useEffect(() => {
    const timer = setTimeout(() => void list.ask({ query, deleted }), searched.current === query ? 0 : searchMs);
    searched.current = query;
    return () => clearTimeout(timer);
  }, [list, query, deleted]);
  useBack(() => list.back());
  const settled = all.filter(({ state: { name } }) => name === 'done' || name === 'undone').length;
  useEffect(() => {
    if (settled > 0) void list.reload();
  }, [list, settled]);
  useEffect(() => {
    if (state.loading !== null || query === '') return;
    announce(
      state.dashboards.length === 0 ? 'Nothing found.' : `${count(state.dashboards.length, 'dashboard')} found.`,
    );
  }, [state, query]);

  const actions = useMemo(() => actionsOf(client, list), [client, list]);
  return (
    <div className="dashboards">
      <div className="dashboards-bar">
        <label className="dashboards-search">
          <Search size={16} aria-hidden="true" />
          <input
            className="ui-input"
            type="search"
            aria-label="Search by name"
            placeholder="Search by name"
            value={query}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setQuery(event.target.value)}
          />
        </label>
        <fieldset className="segments">
          <legend className="ui-unseen">Which dashboards</legend>
          {[false, true].map((value) => (
            <label key={String(value)}>
              <input type="radio" name="which" checked={deleted === value} onChange={() => setDeleted(value)} />
              <span>{value ? 'Deleted' : 'All'}</span>
            </label>
          ))}
        </fieldset>
        <span className="dashboards-space" />
        <ImportButton />
        <button type="button" className="ui-button main" onClick={() => void makeNew(client)}>
          <Plus size={16} /> New
        </button>
      </div>
      <Body
        state={state}
        query={query}
        lives={lives}
        actions={actions}
        now={now}
        onMore={() => void list.more()}
        onRetry={() => void list.reload()}
        onNew={() => void makeNew(client)}
      />
    </div>
  );
}

interface BodyProps {
  readonly state: ListState;
  readonly query: string;
  readonly lives: LiveCards;
  readonly actions: CardActions;
  readonly now: number;
  readonly onMore: () => void;
  readonly onRetry: () => void;
  readonly onNew: () => void;
}

function Body(props: BodyProps): ReactNode {
  const { state, query, onRetry, onNew } = props;
  const { deleted, dashboards, loading, error } = state;
  if (error !== null && dashboards.length === 0) {
    return (
      <Message
        title="The dashboards could not be read"
        actions={
          <button type="button" className="ui-button main" onClick={onRetry}>
            Try again
          </button>
        }
      >
        {error}
      </Message>
    );
  }
  if (loading === 'first' && dashboards.length === 0) return <Skeletons />;
  if (dashboards.length > 0) return <Cards {...props} />;
  if (query.trim() !== '')
    return <Message title="Nothing found">No dashboard has “{query.trim()}” in its name.</Message>;
  if (deleted) {
    return <Message title="Nothing deleted">What you delete can be brought back from here for 30 days.</Message>;
  }
  return (
    <Message
      title="No dashboards yet"
      actions={
        <>
          <button type="button" className="ui-button main" onClick={onNew}>
            Make a new one
          </button>
          <ImportButton />
        </>
      }
    >
      Begin with an empty one, or drop files anywhere on this page: Grafana’s JSON, or an export of Dashwire’s own.
    </Message>
  );
}

function Cards({ state, lives, actions, now, onMore, onRetry }: BodyProps): ReactNode {
  const { deleted, dashboards, loading, hasMore, error } = state;
  const [at, setAt] = useState<string | null>(null);
  const end = useRef<HTMLDivElement>(null);
  const away = useStale() !== null;
  const reached = dashboards.some(({ id }) => id === at) ? at : dashboards[0]?.id;
  useEnd(end, hasMore && error === null && loading === null, onMore);

  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLElement)) return;
    const id = event.target.dataset.card;
    if (id === undefined) return;
    if (event.key === 'Delete') {
      const one = dashboards.find((card) => card.id === id);
      if (one?.role === 'owner') actions.remove(one);
      return;
    }
    const next = nextCard(
      [...event.currentTarget.querySelectorAll<HTMLElement>('[data-card]')],
      event.target,
      event.key,
    );
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <>
      <ul
        className={deleted ? 'deleted-list' : 'cards'}
        aria-label={deleted ? 'Deleted dashboards' : 'Dashboards'}
        aria-busy={loading === 'first'}
        onKeyDown={onKeyDown}
        onFocus={({ target }) => target instanceof HTMLElement && target.dataset.card && setAt(target.dataset.card)}
      >
        {dashboards.map((one) =>
          deleted ? (
            <DeletedCard key={one.id} summary={one} actions={actions} now={now} />
          ) : (
            <Card
              key={one.id}
              summary={one}
              lives={lives}
              actions={actions}
              away={away}
              reached={one.id === reached}
              now={now}
            />
          ),
        )}
      </ul>
      <div ref={end} className="dashboards-end">
        {error !== null ? (
          <p role="alert">
            {error}{' '}
            <button type="button" className="ui-button" onClick={onRetry}>
              Try again
            </button>
          </p>
        ) : (
          hasMore && (
            <button type="button" className="ui-button" disabled={loading !== null} onClick={onMore}>
              {loading === 'more' ? 'Loading…' : 'Show more'}
            </button>
          )
        )}
      </div>
    </>
  );
}

function Skeletons(): ReactNode {
  return (
    <div className="cards" role="status" aria-label="The dashboards are loading">
      {[0, 1, 2, 3, 4, 5].map((at) => (
        <div key={at} className="card is-loading" aria-hidden="true">
          <div className="card-mini" />
          <i />
          <i />
        </div>
      ))}
    </div>
  );
}

/** Opens the choice of files; what is chosen goes the way of what is dropped. */
function ImportButton(): ReactNode {
  const client = useClient();
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="ui-button" onClick={() => field.current?.click()}>
        <FileUp size={16} /> Import
      </button>
      <input
        ref={field}
        type="file"
        hidden
        multiple
        accept=".json,application/json"
        aria-label="Files to import"
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          currentTarget.value = ''; // the same file may be chosen again
          if (files.length > 0) void imports.add(files, client.dashboards, client.connection.getSnapshot().limits);
        }}
      />
    </>
  );
}

async function makeNew({ dashboards }: DashwireClient): Promise<void> {
  try {
    const { id } = await dashboards.create({ title: 'New dashboard' });
    window.location.hash = dashboardHref(id);
  } catch (error) {
    toast(`No new dashboard: ${wordsOf(error)}`);
  }
}

function actionsOf({ dashboards }: DashwireClient, list: DashboardList): CardActions {
  const tried = async (what: string, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      toast(`${what}: ${wordsOf(error)}`);
      void list.reload();
    }
  };
  const bringBack = ({ id, title }: DashboardSummary) =>
    tried('It could not be brought back', async () => {
      list.remove(id);
      await dashboards.undelete(id);
      toast(`${title || id} is back, with its history.`, { label: 'Open', run: () => open(id) });
      await list.reload();
    });
  return {
    bringBack: (one) => void bringBack(one),
    duplicate: ({ id, title }) =>
      void tried('It could not be duplicated', async () => {
        const copy = await dashboards.duplicate(id);
        toast(`Duplicated ${title || id}.`, { label: 'Open', run: () => open(copy.id) });
        await list.reload();
      }),
    remove: (one) =>
      void tried('It could not be deleted', async () => {
        list.remove(one.id);
        await dashboards.delete(one.id);
        toast(`Deleted ${one.title || one.id}. It can be brought back for 30 days.`, {
          label: 'Undo',
          run: () => void bringBack(one),
        });
      }),
    exportAs: ({ id }, format) =>
      void tried('It could not be exported', async () => {
        const text = await dashboards.export(id, format);
        download(`${id.replaceAll(':', '_')}.${format}.json`, text);
      }),
  };
}

function open(id: string): void {
  window.location.hash = dashboardHref(id);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'the server did not say why';
}

/** Now, to the minute: cards tell ages. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Asks for more while the end of the list is near the window. */
function useEnd(end: { readonly current: Element | null }, wanted: boolean, more: () => void): void {
  const latest = useRef(more);
  useEffect(() => {
    latest.current = more;
  });
  useEffect(() => {
    const { current } = end;
    if (!wanted || current === null || typeof IntersectionObserver === 'undefined') return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), {
      rootMargin: '400px',
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [end, wanted]);
}
