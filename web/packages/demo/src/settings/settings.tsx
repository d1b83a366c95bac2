import type { DashboardState, Widget } from '@dashwire/client';
import { useDashboard, useOthers, usePresence, useWidget } from '@dashwire/react';
import { Copy, Pin, PinOff, Trash2 } from 'lucide-react';
import { type ReactNode, useEffect, useMemo } from 'react';
import { useOf } from '../grid/select.ts';
import { presenceOf } from '../presence.ts';
import { duplicateWidget, pinWidget, removeWidget } from '../shell/edits.ts';
import { configOf, isObject } from '../tiles/config.ts';
import { CopyButton } from '../tiles/empty.tsx';
import { tileKind, tileKinds } from '../tiles/index.ts';
import { EditingContext, useEditing } from './edit.ts';
import { useHints } from './hints.ts';
import { ChoiceField, TextField } from './inputs.tsx';
import './settings.css';
import { Sheet } from './sheet.tsx';

interface PanelProps {
  readonly widgetId: string;
  readonly onClose: () => void;
}

/** The settings of one widget. Changes show at once, and are sent when a field is left: one step of undo each. */
export function SettingsPanel({ widgetId, onClose }: PanelProps): ReactNode {
  const [widget] = useWidget(widgetId);
  useEditPresence(widgetId);

  if (widget === undefined) {
    return (
      <Sheet name="settings" title="Settings" onClose={onClose}>
        <p>This tile is gone: somebody has deleted it.</p>
      </Sheet>
    );
  }
  return <Fields widgetId={widgetId} widget={widget} onClose={onClose} />;
}

/** Tells the others that one edits this widget. */
function useEditPresence(widgetId: string): void {
  const [, show] = usePresence();
  useEffect(() => {
    show({ widgetId, mode: 'edit' });
    return () => show({ widgetId: null, mode: null });
  }, [show, widgetId]);
}

const range = { ms: 300_000, end: () => Date.now(), frozen: false };

const isViewer = ({ role }: DashboardState) => role === 'viewer' || role === 'feeder';

interface FieldsProps extends PanelProps {
  readonly widget: Widget;
}

function Fields({ widgetId, widget, onClose }: FieldsProps): ReactNode {
  const dashboard = useDashboard();
  const readOnly = useOf(dashboard.state, isViewer);
  const hints = useHints(widgetId);
  const editing = useMemo(
    () => ({ dashboard, widgetId, widget, readOnly, hints }),
    [dashboard, widgetId, widget, readOnly, hints],
  );
  const kind = tileKind(widget.type);
  const { Settings, icon: Icon } = kind;
  const title = configOf(widget).title.trim() || kind.name;
  const pinned = useOf(dashboard.layout(), (layout) => layout?.items[widgetId]?.static === true);
  const footer = readOnly ? undefined : (
    <>
      <button
        type="button"
        className="ui-button"
        aria-pressed={pinned}
        title="Pinned, it stays where it is while others move"
        onClick={() => pinWidget(dashboard, widgetId)}
      >
        {pinned ? <PinOff size={14} /> : <Pin size={14} />} Pin
      </button>
      <button
        type="button"
        className="ui-button"
        onClick={() => {
          duplicateWidget(dashboard, widgetId);
          onClose();
        }}
      >
        <Copy size={14} /> Duplicate
      </button>
      <button
        type="button"
        className="ui-button danger"
        onClick={() => {
          removeWidget(dashboard, widgetId);
          onClose();
        }}
      >
        <Trash2 size={14} /> Delete
      </button>
    </>
  );
  const heading = (
    <span className="settings-title">
      <Icon size={16} /> {title}
    </span>
  );
  return (
    <Sheet name="settings" title={heading} onClose={onClose} footer={footer}>
      <EditingContext value={editing}>
        <form className="settings" onSubmit={(event) => event.preventDefault()}>
          <Company widgetId={widgetId} />
          {readOnly && <p className="settings-note">You may look at this dashboard, not change it.</p>}
          <Broken />
          <TextField path="/title" label="Title" placeholder={widgetId} first />
          <ChoiceField path="/type" label="Type" fallback="" options={types} />
          {Settings && isUsable(widget) && (
            <Settings widgetId={widgetId} widget={widget} range={range} kiosk={false} readOnly={readOnly} />
          )}
          {isUsable(widget) && (
            <TextField
              path="/config/description"
              label="Description"
              rows={2}
              placeholder="What people should know about it"
            />
          )}
          <AsJson widget={widget} open={!Settings} />
        </form>
      </EditingContext>
    </Sheet>
  );
}

const types = tileKinds.map(({ type, name }) => [type, name] as const);

/** Whether there is a config that fields can be written into; one that is absent is made. */
const isUsable = ({ config }: Widget): boolean => config === undefined || isObject(config);

/** What cannot be used in the config, and the way out where no field could be written. */
function Broken(): ReactNode {
  const { dashboard, widgetId, widget, readOnly } = useEditing();
  const { problems } = configOf(widget);
  if (problems.length === 0) return null;
  return (
    <div className="settings-problem" role="status">
      <p>Not all of it can be used:</p>
      <ul>
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
      {!isUsable(widget) && !readOnly && (
        <button
          type="button"
          className="ui-button"
          onClick={() => dashboard.updateWidget(widgetId, { set: { '/config': {} } })}
        >
          Start with an empty config
        </button>
      )}
    </div>
  );
}

/** Who else is at this widget. */
function Company({ widgetId }: { readonly widgetId: string }): ReactNode {
  const others = useOthers();
  const names = others.map(presenceOf).filter((o) => o.widgetId === widgetId && o.mode === 'edit');
  if (names.length === 0) return null;
  return (
    <p className="settings-note" role="status">
      {[...new Set(names.map((o) => o.name))].join(', ')} {names.length === 1 ? 'has' : 'have'} these settings open too.
    </p>
  );
}

const mostText = 20_000;

/** The whole widget, to read: of a type that nobody here knows it is all there is. */
function AsJson({ widget, open }: { readonly widget: Widget; readonly open: boolean }): ReactNode {
  const text = useMemo(() => JSON.stringify(widget, null, 2) ?? '', [widget]);
  return (
    <details className="settings-json" open={open}>
      <summary>As JSON</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by the keyboard */}
      <pre tabIndex={0}>{text.length > mostText ? `${text.slice(0, mostText)}\n…` : text}</pre>
      <CopyButton text={text} label="Copy all of it" />
    </details>
  );
}
