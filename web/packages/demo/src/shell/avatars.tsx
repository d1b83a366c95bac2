import { Tooltip } from '@base-ui/react/tooltip';
import type { Dashboard, Presence } from '@dashwire/client';
import { useDashboard, useOthers, useReadable } from '@dashwire/react';
import type { CSSProperties, ReactNode } from 'react';
import { titleOf } from '../grid/tile-name.ts';
import { initials } from '../person.ts';
import { presenceOf } from '../presence.ts';
import { follow, following } from './follow.ts';
import { useStale } from './stale.ts';

/** How many are shown as faces; the rest is a number. */
const most = 5;

/** Who else is here; paler while nobody can tell. A click follows somebody from tile to tile, another one stops. */
export function Avatars(): ReactNode {
  const others = useOthers();
  const followed = useReadable(following);
  const away = useStale() !== null;
  if (others.length === 0) return null;
  const shown = others.slice(0, most);
  const rest = others.slice(most).map((one) => presenceOf(one).name);
  return (
    <Tooltip.Provider delay={200}>
      <ul
        className="faces"
        data-away={away ? '' : undefined}
        aria-label={away ? 'Others here, when last heard of' : 'Others here'}
      >
        {shown.map((one) => (
          <li key={one.sessionId}>
            <Face presence={one} followed={one.sessionId === followed} />
          </li>
        ))}
        {rest.length > 0 && (
          <li>
            <Tooltip.Root>
              <Tooltip.Trigger className="face face-rest">+{rest.length}</Tooltip.Trigger>
              <Tip>{`${rest.slice(0, 12).join(', ')}${rest.length > 12 ? ' and others' : ''}`}</Tip>
            </Tooltip.Root>
          </li>
        )}
      </ul>
    </Tooltip.Provider>
  );
}

function Face({ presence, followed }: { readonly presence: Presence; readonly followed: boolean }): ReactNode {
  const dashboard = useDashboard();
  const { name, color } = presenceOf(presence);
  const words = `${name}${whereabouts(dashboard, presence)}`;
  return (
    <Tooltip.Root>
      <Tooltip.Trigger
        className="face"
        data-initials={initials(name)}
        style={{ background: color, '--who': color } as CSSProperties}
        aria-label={`${words}. ${followed ? 'Stop following' : 'Follow'}`}
        aria-pressed={followed}
        onClick={() => follow(followed ? null : presence.sessionId)}
      />
      <Tip>
        {words}
        <span className="tip-hint">{followed ? 'Click to stop following' : 'Click to follow'}</span>
      </Tip>
    </Tooltip.Root>
  );
}

const doing: Readonly<Record<string, string>> = { drag: 'moving', resize: 'resizing', edit: 'editing' };

/** `, editing CPU`; nothing if it is not known. */
export function whereabouts(dashboard: Pick<Dashboard, 'widget'>, presence: Presence): string {
  const { widgetId, mode } = presenceOf(presence);
  if (widgetId === null) return '';
  const widget = dashboard.widget(widgetId).getSnapshot();
  if (widget === undefined) return '';
  const verb = Object.hasOwn(doing, mode) ? doing[mode] : 'at';
  return `, ${verb} ${titleOf(widget, widgetId)}`;
}

function Tip({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Tooltip.Portal>
      <Tooltip.Positioner positionMethod="fixed" sideOffset={8} className="tip-place">
        <Tooltip.Popup className="tip">{children}</Tooltip.Popup>
      </Tooltip.Positioner>
    </Tooltip.Portal>
  );
}
