import { Menu } from '@base-ui/react/menu';
import type { DashboardSummary } from '@dashwire/client';
import { useReadable } from '@dashwire/react';
import { Ellipsis, RotateCcw } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { useNear } from '../grid/near.ts';
import { count } from '../import/words.ts';
import { initials } from '../person.ts';
import type { Whereabouts } from '../presence.ts';
import { dashboardHref } from '../routes.ts';
import '../shell/menu.css';
import type { LiveCards } from './live-cards.ts';
import { MiniatureView } from './miniature.tsx';
import { timeLeft, whenInWords } from './when.ts';

/** What can be done with a card's dashboard. */
export interface CardActions {
  duplicate(one: DashboardSummary): void;
  remove(one: DashboardSummary): void;
  bringBack(one: DashboardSummary): void;
  exportAs(one: DashboardSummary, format: 'dashwire' | 'grafana'): void;
}

interface CardProps {
  readonly summary: DashboardSummary;
  readonly lives: LiveCards;
  readonly actions: CardActions;
  /** Nobody can tell who is here now. */
  readonly away: boolean;
  /** The one card that Tab reaches. */
  readonly reached: boolean;
  readonly now: number;
}

/** A dashboard in the list. */
export function Card({ summary, lives, actions, away, reached, now }: CardProps): ReactNode {
  const { id, updated, role } = summary;
  const element = useRef<HTMLLIElement>(null);
  const near = useNear(element);
  const life = useReadable(useMemo(() => lives.life(id), [lives, id]));
  useEffect(() => {
    if (!near) return;
    lives.enter(id);
    return () => lives.leave(id);
  }, [lives, id, near]);

  const title = life.title ?? (summary.title || id);
  const changed = life.version > summary.version ? 'changed just now' : `changed ${whenInWords(updated, now)}`;
  return (
    <li ref={element} className="card" data-gone={life.gone || undefined}>
      <a className="card-link" href={dashboardHref(id)} tabIndex={reached ? 0 : -1} data-card={id}>
        <span className="card-mini">
          <MiniatureView miniature={life.miniature} />
        </span>
        <span className="card-title" title={title}>
          {title}
        </span>
        <span className="card-facts">
          {count(life.widgets ?? summary.widgets, 'tile')}, {life.gone ? 'deleted just now' : changed}
        </span>
      </a>
      <People people={life.people} away={away} />
      <CardMenu title={title} owner={role === 'owner'} summary={summary} actions={actions} />
    </li>
  );
}

function People({ people, away }: { readonly people: readonly Whereabouts[]; readonly away: boolean }): ReactNode {
  if (people.length === 0) return null;
  const names = people.map(({ name }) => name);
  const words = `${away ? 'Here when last heard of' : 'Here now'}: ${names.slice(0, 8).join(', ')}${names.length > 8 ? `, and ${names.length - 8} more` : ''}`;
  return (
    <span className="card-people" data-away={away ? '' : undefined} role="img" aria-label={words} title={words}>
      {people.slice(0, 4).map(({ name, color }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may have the same name
        <span key={at} className="card-face" style={{ background: color }}>
          {initials(name)}
        </span>
      ))}
      {people.length > 4 && <span className="card-face is-more">+{people.length - 4}</span>}
    </span>
  );
}

interface CardMenuProps {
  readonly title: string;
  readonly owner: boolean;
  readonly summary: DashboardSummary;
  readonly actions: CardActions;
}

function CardMenu({ title, owner, summary, actions }: CardMenuProps): ReactNode {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="ui-button plain icon card-menu" aria-label={`What to do with ${title}`} title="More">
        <Ellipsis size={16} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="menu-place" sideOffset={4} align="end" collisionPadding={8}>
          <Menu.Popup className="menu">
            <Menu.Item className="menu-item" onClick={() => actions.duplicate(summary)}>
              Duplicate
            </Menu.Item>
            <Menu.Item className="menu-item" onClick={() => actions.exportAs(summary, 'dashwire')}>
              Export
            </Menu.Item>
            <Menu.Item className="menu-item" onClick={() => actions.exportAs(summary, 'grafana')}>
              Export for Grafana
            </Menu.Item>
            {owner && (
              <>
                <Menu.Separator className="menu-line" />
                <Menu.Item className="menu-item card-delete" onClick={() => actions.remove(summary)}>
                  Delete <kbd>Del</kbd>
                </Menu.Item>
              </>
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

interface DeletedCardProps {
  readonly summary: DashboardSummary;
  readonly actions: CardActions;
  readonly now: number;
}

/** A dashboard that was deleted. */
export function DeletedCard({ summary, actions, now }: DeletedCardProps): ReactNode {
  const { id, title, deleted = '', widgets } = summary;
  const name = title || id;
  return (
    <li className="deleted">
      <span className="deleted-words">
        <span className="card-title">{name}</span>
        <span className="card-facts">
          {count(widgets, 'tile')}, deleted {whenInWords(deleted, now)}, {timeLeft(deleted, now)}
        </span>
      </span>
      <button
        type="button"
        className="ui-button"
        aria-label={`Bring back ${name}`}
        onClick={() => actions.bringBack(summary)}
      >
        <RotateCcw size={14} /> Bring back
      </button>
    </li>
  );
}
