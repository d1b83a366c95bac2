import type { Widget } from '@dashwire/client';
import { useDashboard } from '@dashwire/react';
import { Check, Copy, Terminal, X } from 'lucide-react';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { type Example, type Kind, now } from './drawing.ts';
import { queriesOf } from './queries.ts';

/** How long a value may take before its absence is explained, in ms. */
const grace = 6000;

interface Props {
  readonly widgetId: string;
  readonly widget: Widget;
  readonly kind: Kind;
  /** On a wall nobody can follow instructions. */
  readonly kiosk: boolean;
}

/** A tile that no value has come for: the shape of what will be there, and after a while how to send one. */
export function Empty({ widgetId, widget, kind, kiosk }: Props): ReactNode {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), grace);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="kind kind-empty" aria-busy={!late}>
      <Skeleton shape={kind.skeleton} still={late} />
      {late && (
        <div className="kind-hint">
          <p>No values yet{!kiosk && kind.example && <span className="kind-wide">: send some</span>}</p>
          {!kiosk && kind.example && <How widgetId={widgetId} widget={widget} example={kind.example} />}
        </div>
      )}
    </div>
  );
}

export function Skeleton({
  shape,
  still = false,
}: {
  readonly shape: Kind['skeleton'];
  readonly still?: boolean;
}): ReactNode {
  if (shape === 'none') return null;
  return (
    <div className={`kind-skeleton is-${shape}`} data-still={still || undefined} aria-hidden="true">
      {shape === 'arc' && (
        <svg viewBox="0 0 120 66" aria-hidden="true">
          <path d="M12 60a48 48 0 0 1 96 0" />
        </svg>
      )}
      {shape === 'lines' && (
        <svg viewBox="0 0 120 60" preserveAspectRatio="none" aria-hidden="true">
          <path d="M0 46 C 12 40 20 22 32 26 S 52 44 64 34 84 12 96 18 112 34 120 28" />
        </svg>
      )}
      {(shape === 'rows' || shape === 'bars') && [0, 1, 2, 3].map((i) => <i key={i} />)}
      {shape === 'number' && <i />}
    </div>
  );
}

/** A line for a terminal that sends one value to a widget. */
export function command(origin: string, dashboardId: string, widgetId: string, { data, ...rest }: Example): string {
  const [dashboard, widget] = [dashboardId, widgetId].map((id) => encodeURIComponent(id).replaceAll("'", '%27'));
  const body = JSON.stringify({ data, ...rest })
    .replaceAll("'", "'\\''")
    .replaceAll(`"${now}"`, `'"$(date +%s)"'000`);
  return `curl -X PUT '${origin}/api/dashboards/${dashboard}/widgets/${widget}/data' -H 'Content-Type: application/json' -d '${body}'`;
}

function How({ widgetId, widget, example }: { widgetId: string; widget: Widget; example: Example }): ReactNode {
  const id = useId();
  const dashboard = useDashboard();
  const popover = useRef<HTMLDivElement>(null);
  const text = command(location.origin, dashboard.id, widgetId, example);
  const queries = queriesOf(widget);
  return (
    <>
      <button type="button" className="ui-button kind-how" popoverTarget={id}>
        <Terminal size={14} /> <span className="kind-roomy">How</span>
        <span className="kind-tiny">No values</span>
      </button>
      <div ref={popover} id={id} popover="auto" className="kind-popover" role="dialog" aria-label="How to send values">
        <header>
          <h3>Send it values</h3>
          <button
            type="button"
            className="ui-button plain icon"
            popoverTarget={id}
            popoverTargetAction="hide"
            aria-label="Close"
          >
            <X size={16} />
          </button>
        </header>
        <p>Any program may: one request for each value, or many in one over a WebSocket. In a terminal:</p>
        <pre>
          <code>{text}</code>
        </pre>
        <CopyButton text={text} />
        {queries.length > 0 && (
          <>
            <p>It came from Grafana with this query, which is kept but not asked here:</p>
            <Queries queries={queries} />
          </>
        )}
      </div>
    </>
  );
}

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }): ReactNode {
  const [said, setSaid] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 3000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('copied');
    } catch {
      setSaid('failed');
    }
  };
  return (
    <button type="button" className="ui-button" onClick={copy}>
      {said === 'copied' ? <Check size={14} /> : <Copy size={14} />}
      <span role="status">{said === 'copied' ? 'Copied' : said === 'failed' ? 'Select it and copy it' : label}</span>
    </button>
  );
}

export function Queries({ queries }: { readonly queries: readonly { name: string; text: string }[] }): ReactNode {
  return (
    <ul className="kind-queries">
      {queries.map(({ name, text }) => (
        <li key={name}>
          <b>{name}</b> <code>{text}</code>
        </li>
      ))}
    </ul>
  );
}
