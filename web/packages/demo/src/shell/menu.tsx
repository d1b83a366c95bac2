import { Menu } from '@base-ui/react/menu';
import { useReadable } from '@dashwire/react';
import { Check, Ellipsis } from 'lucide-react';
import type { ReactNode } from 'react';
import { initials, type Person } from '../person.ts';
import { askWords, encryption, lock } from '../private/keys.ts';
import { dashboardsHref } from '../routes.ts';
import { setTheme, type Theme, theme } from '../theme/theme.ts';
import type { PageActions } from './page-actions.ts';
import './menu.css';
import { offline, setOffline } from './offline.ts';
import { rangeMinutes, ranges, setRange } from './time-range.ts';

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'As the device'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

/** Everything that the bar has no room for. `actions` is absent where no dashboard is open. */
export function MainMenu({
  actions,
  common,
}: {
  readonly actions?: PageActions;
  readonly common: CommonActions;
}): ReactNode {
  const { name, color } = common.who;
  const chosen = useReadable(theme);
  const away = useReadable(offline);
  const writes = useReadable(encryption.keys.state).current !== null;
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="ui-button plain icon menu-trigger" aria-label="Menu" title="Menu">
        <span className="me" style={{ background: color }} data-initials={initials(name)} />
        <Ellipsis size={16} />
      </Menu.Trigger>
      <Menu.Portal>
        {/* Fixed, as the bar is: a page that scrolls does not take the item away under the pointer. */}
        <Menu.Positioner className="menu-place" positionMethod="fixed" sideOffset={6} align="end" collisionPadding={8}>
          <Menu.Popup className="menu">
            <Menu.Item className="menu-item menu-me" onClick={common.rename} disabled={common.rename === undefined}>
              <span className="face" style={{ background: color }} aria-hidden="true">
                {initials(name)}
              </span>
              <span>
                {name}
                <small>{aboutName(common)}</small>
              </span>
            </Menu.Item>
            <Menu.Separator className="menu-line" />
            {actions && <DashboardItems actions={actions} />}
            <Menu.LinkItem className="menu-item" href={dashboardsHref} closeOnClick>
              All dashboards <kbd>G</kbd>
            </Menu.LinkItem>
            <Menu.Item className="menu-item" onClick={common.importFiles}>
              Import…
            </Menu.Item>
            <Menu.Item className="menu-item" onClick={() => (writes ? void lock() : askWords())}>
              {writes ? 'Lock private texts' : 'Unlock private texts…'}
            </Menu.Item>
            <Menu.Separator className="menu-line" />
            <Menu.CheckboxItem className="menu-item" checked={away} onCheckedChange={setOffline}>
              <Mark />
              Try it offline
            </Menu.CheckboxItem>
            <Menu.Separator className="menu-line" />
            <Menu.RadioGroup value={chosen} onValueChange={setTheme} aria-label="Colours">
              {themes.map(([value, label]) => (
                <Menu.RadioItem key={value} className="menu-item" value={value}>
                  <Mark radio />
                  {label}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Separator className="menu-line" />
            <Menu.Item className="menu-item" onClick={common.help}>
              Keys <kbd>?</kbd>
            </Menu.Item>
            {common.signOut && (
              <Menu.Item className="menu-item" onClick={common.signOut}>
                Sign out
              </Menu.Item>
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** What there is on every page. */
export interface CommonActions {
  /** Whose page it is. */
  readonly who: Person;
  /** undefined: the address says who one is, or the server. */
  readonly rename: (() => void) | undefined;
  signIn(): void;
  /** undefined: nobody is signed in, or not by this page. */
  readonly signOut: (() => void) | undefined;
  importFiles(): void;
  help(): void;
}

function aboutName({ rename, signOut }: CommonActions): string {
  if (rename) return 'Change your name';
  return signOut ? 'Signed in' : 'By the address of this page';
}

function DashboardItems({ actions }: { readonly actions: PageActions }): ReactNode {
  const { readOnly } = actions;
  const minutes = useReadable(rangeMinutes);
  return (
    <>
      {!readOnly && (
        <Menu.Item className="menu-item" onClick={actions.add}>
          Add a tile… <kbd>A</kbd>
        </Menu.Item>
      )}
      <Menu.Group className="menu-narrow">
        {!readOnly && (
          <>
            <Menu.Item className="menu-item" disabled={!actions.canUndo} onClick={actions.undo}>
              Undo
            </Menu.Item>
            <Menu.Item className="menu-item" disabled={!actions.canRedo} onClick={actions.redo}>
              Redo
            </Menu.Item>
          </>
        )}
        {actions.history && (
          <Menu.Item className="menu-item" onClick={actions.history}>
            History…
          </Menu.Item>
        )}
        <Menu.Item className="menu-item" onClick={actions.share}>
          Copy the link
        </Menu.Item>
        <Menu.Separator className="menu-line" />
        <Menu.RadioGroup value={minutes} onValueChange={setRange} aria-label="Time shown">
          {ranges.map((one) => (
            <Menu.RadioItem key={one} className="menu-item" value={one}>
              <Mark radio />
              {one === 1 ? '1 minute' : `${one} minutes`}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Separator className="menu-line" />
      </Menu.Group>
      <Menu.Item className="menu-item" onClick={() => actions.exportAs('dashwire')}>
        Export
      </Menu.Item>
      <Menu.Item className="menu-item" onClick={() => actions.exportAs('grafana')}>
        Export for Grafana
      </Menu.Item>
      <Menu.Item className="menu-item" onClick={actions.kiosk}>
        Kiosk <kbd>K</kbd>
      </Menu.Item>
      <Menu.Separator className="menu-line" />
    </>
  );
}

function Mark({ radio = false }: { readonly radio?: boolean }): ReactNode {
  const icon = <Check size={14} />;
  return (
    <span className="menu-mark">
      {radio ? (
        <Menu.RadioItemIndicator>{icon}</Menu.RadioItemIndicator>
      ) : (
        <Menu.CheckboxItemIndicator>{icon}</Menu.CheckboxItemIndicator>
      )}
    </span>
  );
}
