import type { NamedVersion } from '@dashwire/client';
import { Bookmark } from 'lucide-react';
import { type CSSProperties, type KeyboardEvent, memo, type ReactNode, type RefObject, useEffect, useRef } from 'react';
import type { PersonOf } from './authors.ts';
import { type LogState, mostRows, type Row } from './log.ts';
import { clockOf, dayOf, timeOf } from './times.ts';

interface EntriesProps {
  readonly log: LogState;
  readonly names: readonly NamedVersion[];
  /** The version that is looked at. */
  readonly selected: number;
  readonly personOf: PersonOf;
  readonly onSelect: (version: number) => void;
  readonly onMore: () => void;
  readonly onRetry: () => void;
}

/** What was done, newest first, in words. Arrow keys go from one to the next. */
export function Entries({ log, names, selected, personOf, onSelect, onMore, onRetry }: EntriesProps): ReactNode {
  const { rows, loading, hasMore, error } = log;
  const end = useRef<HTMLDivElement>(null);
  useEnd(end, hasMore && loading === null && error === null, onMore);
  if (loading === 'first') return <EntriesSkeleton />;
  if (rows.length === 0 && error === null) return <p className="entries-none">Nothing was changed here yet.</p>;
  const named = new Map(names.map(({ version, name }) => [version, name]));
  const reached = rows.some(({ version }) => version === selected) ? selected : rows[0]?.version;
  const now = Date.now();
  let day = '';
  return (
    <>
      <ol className="entries" onKeyDown={(event) => step(event, onSelect)}>
        {rows.map((row) => {
          const own = dayOf(row.at, now);
          const first = own !== day;
          day = own;
          return (
            <li key={row.version}>
              {first && <h4 className="entries-day">{own}</h4>}
              <EntryButton
                row={row}
                name={named.get(row.version)}
                selected={row.version === selected}
                reached={row.version === reached}
                personOf={personOf}
                onSelect={onSelect}
              />
            </li>
          );
        })}
      </ol>
      <div ref={end} className="entries-end">
        {error !== null ? (
          <p role="alert">
            {error}{' '}
            <button type="button" className="ui-button" onClick={onRetry}>
              Try again
            </button>
          </p>
        ) : hasMore ? (
          <button type="button" className="ui-button plain" disabled={loading !== null} onClick={onMore}>
            {loading === null ? 'Show older ones' : 'Loading…'}
          </button>
        ) : (
          rows.length >= mostRows && <p>The slider reaches what is older.</p>
        )}
      </div>
    </>
  );
}

interface EntryButtonProps {
  readonly row: Row;
  readonly name: string | undefined;
  readonly selected: boolean;
  readonly reached: boolean;
  readonly personOf: PersonOf;
  readonly onSelect: (version: number) => void;
}

const EntryButton = memo(function EntryButton(props: EntryButtonProps): ReactNode {
  const { row, name, selected, reached, personOf, onSelect } = props;
  const { version, at, author, words } = row;
  const who = personOf(author);
  const style = { '--who': who.color } as CSSProperties;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (selected && button.current !== null) reveal(button.current);
  }, [selected]);
  return (
    <button
      ref={button}
      type="button"
      className="entry"
      style={style}
      data-version={version}
      aria-current={selected || undefined}
      tabIndex={reached ? 0 : -1}
      onClick={() => onSelect(version)}
    >
      <span className="entry-words">{words}</span>
      <span className="entry-facts">
        {who.name},{' '}
        <time dateTime={new Date(at).toISOString()} title={timeOf(at)}>
          {clockOf(at)}
        </time>
        <span className="entry-version">{version}</span>
      </span>
      {name !== undefined && (
        <span className="entry-name">
          <Bookmark size={12} aria-label="Named" /> {name}
        </span>
      )}
    </button>
  );
});

/** The versions that have names. */
export function Named({ names, selected, onSelect }: Pick<EntriesProps, 'names' | 'selected' | 'onSelect'>): ReactNode {
  if (names.length === 0) {
    return <p className="entries-none">No version has a name yet. Choose one and name it, to find it again.</p>;
  }
  return (
    <ol className="entries" onKeyDown={(event) => step(event, onSelect)}>
      {names.map(({ version, name, by, at }, place) => (
        <li key={version}>
          <button
            type="button"
            className="entry is-named"
            data-version={version}
            aria-current={version === selected || undefined}
            tabIndex={version === selected || (place === 0 && !names.some((one) => one.version === selected)) ? 0 : -1}
            onClick={() => onSelect(version)}
          >
            <span className="entry-name">
              <Bookmark size={12} aria-hidden="true" /> {name}
            </span>
            <span className="entry-facts">
              named {by ? `by ${by}, ` : ''}
              {Number.isNaN(Date.parse(at)) ? '' : timeOf(Date.parse(at))}
              <span className="entry-version">{version}</span>
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function EntriesSkeleton(): ReactNode {
  return (
    <div className="entries is-loading" role="status" aria-label="The history is loading">
      {[70, 45, 60, 80, 50, 65].map((width) => (
        <span key={width} className="entry" aria-hidden="true">
          <i style={{ width: `${width}%` }} />
          <i />
        </span>
      ))}
    </div>
  );
}

/** Scrolls the list to an entry; where the whole sheet scrolls, as on a phone, it stays where it is. */
function reveal(entry: HTMLElement): void {
  const list = entry.closest('.history-list');
  if (list === null || list.scrollHeight <= list.clientHeight) return;
  const { top, bottom } = entry.getBoundingClientRect();
  const frame = list.getBoundingClientRect();
  if (top < frame.top)
    list.scrollTop -= frame.top - top + 28; // with the day over it
  else if (bottom > frame.bottom) list.scrollTop += bottom - frame.bottom + 8;
}

/** Up and down select the entry before and after. */
function step(event: KeyboardEvent<HTMLElement>, onSelect: (version: number) => void): void {
  if (!(event.target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-version]')];
  const at = buttons.indexOf(event.target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  const button = next === undefined || at < 0 ? undefined : buttons[next];
  if (next === undefined) return;
  event.preventDefault();
  if (button === undefined) return;
  button.focus();
  onSelect(Number(button.dataset.version));
}

function useEnd(end: RefObject<Element | null>, wanted: boolean, more: () => void): void {
  const latest = useRef(more);
  useEffect(() => {
    latest.current = more;
  });
  useEffect(() => {
    const { current } = end;
    if (!wanted || current === null || typeof IntersectionObserver === 'undefined') return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current());
    observer.observe(current);
    return () => observer.disconnect();
  }, [end, wanted]);
}
