import { useWidgetData } from '@dashwire/react';
import { Clock, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { TileProps } from '../tile.ts';
import { configOf } from './config.ts';
import type { Kind } from './drawing.ts';
import { Empty } from './empty.tsx';
import { Failure } from './failure.tsx';
import { ago } from './format.ts';
import { useStaleness } from './freshness.ts';
import { kindOf } from './kinds.ts';

/** The crosshair of all charts of the page. */
const shared = 'dashwire';

/** The body of a tile: its kind's drawing with the widget's live value, and what stands there without one. */
export function Body(props: TileProps): ReactNode {
  const kind = kindOf(props.widget.type);
  const { Drawing } = kind;
  return (
    <Failure of={props.widget}>
      {kind.example === null ? (
        <Frame {...props}>
          <Drawing {...props} config={configOf(props.widget)} value={undefined} sync={null} />
        </Frame>
      ) : (
        <WithValue {...props} kind={kind} />
      )}
    </Failure>
  );
}

function WithValue({ kind, ...props }: TileProps & { readonly kind: Kind }): ReactNode {
  const value = useWidgetData(props.widgetId);
  const age = useStaleness(value, props.range);
  const { Drawing } = kind;
  if (value === undefined || (Array.isArray(value.data) && value.data.length === 0)) {
    return (
      <Frame {...props}>
        <Empty widgetId={props.widgetId} widget={props.widget} kind={kind} kiosk={props.kiosk} />
      </Frame>
    );
  }
  return (
    <Frame {...props} age={age}>
      <Drawing {...props} config={configOf(props.widget)} value={value} sync={shared} />
    </Frame>
  );
}

/** What every kind has around it: the age of what is stale, and what is wrong with the widget's config. */
function Frame({ widget, kiosk, age = 0, children }: TileProps & { age?: number; children: ReactNode }): ReactNode {
  const { problems } = configOf(widget);
  return (
    <div className="kind-frame" data-stale={age > 0 || undefined} data-kiosk={kiosk || undefined}>
      {problems.length > 0 && !kiosk && (
        <p className="kind-problem" title={problems.join('\n')}>
          <TriangleAlert size={12} aria-hidden="true" /> <span className="ui-unseen">Attention:</span> {problems[0]}
          {problems.length > 1 && `, and ${problems.length - 1} more`}
        </p>
      )}
      <div className="kind-inside">{children}</div>
      {age > 0 && (
        <p className="kind-age" title="The last value came then">
          <Clock size={11} aria-hidden="true" /> <span className="ui-unseen">Last value</span>{' '}
          {ago(Math.max(age, 5000))}
        </p>
      )}
    </div>
  );
}
