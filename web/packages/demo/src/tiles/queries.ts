import type { Json, Widget } from '@dashwire/client';
import { isObject, member, textOf } from './config.ts';

export interface Query {
  /** `A`, `B`: unique among those of a widget. */
  readonly name: string;
  readonly text: string;
}

/** The members in which the data sources of Grafana hold what is asked. */
const asked = ['expr', 'query', 'rawSql', 'rawQuery', 'queryText', 'target', 'expression', 'url', 'metricName'];

/** What a widget that came from Grafana asked its data source. */
export function queriesOf(widget: Widget): readonly Query[] {
  const targets = member(widget, 'config', 'grafana', 'targets');
  if (!Array.isArray(targets)) return [];
  const used = new Set<string>();
  return (targets as readonly Json[]).slice(0, 50).flatMap((target, i) => {
    if (!isObject(target)) return [];
    const text = asked.map((name) => textOf(member(target, name))).find((t) => t.trim() !== '') ?? rest(target);
    let name = textOf(member(target, 'refId')) || String(i + 1);
    while (used.has(name)) name += '′';
    used.add(name);
    return [{ name, text }];
  });
}

/** Of a source that nobody here knows: all that it says. */
function rest(target: Readonly<Record<string, Json>>): string {
  const { refId: _refId, datasource: _datasource, hide: _hide, ...said } = target;
  const text = JSON.stringify(said);
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}

/** The kind of data source: `prometheus`; `''` = not said. */
export function sourceOf(widget: Widget): string {
  const source = member(widget, 'config', 'grafana', 'datasource');
  return textOf(source) || textOf(member(source, 'type'));
}
