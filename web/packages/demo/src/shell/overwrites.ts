import type { Dashboard, DashwireClient } from '@dashwire/client';
import { titleOf } from '../grid/tile-name.ts';
import { isMine } from '../settings/edit.ts';
import { nameOf } from '../settings/hints.ts';
import { toast } from './toasts.ts';

/**
 * Says when somebody's edit of the same moment has replaced one's own (M6), and offers to put it back. Returns how to stop.
 */
export function tellOverwrites(client: DashwireClient, dashboard: Dashboard): () => void {
  return client.on('entry', (entry) => {
    const own = client.connection.getSnapshot();
    if (entry.dashboardId !== dashboard.id || isMine(entry, own)) return;
    const lost = entry.overwrote?.find((one) => isMine(one, own));
    if (lost === undefined) return;
    const { widgetId, path, value } = lost;
    const widget = widgetId === undefined ? undefined : dashboard.widget(widgetId).getSnapshot();
    if (widgetId !== undefined && widget === undefined) return; // it is gone meanwhile
    const what = widgetId === undefined ? 'this dashboard' : titleOf(widget, widgetId);
    const label = `Put back my change of ${what}`;
    const set = value === undefined || path === '' ? null : { set: { [path]: value } };
    toast(
      `${nameOf(entry.author, dashboard.presence.getSnapshot())} changed ${what} at the same moment as you: theirs is shown.`,
      set === null
        ? undefined
        : {
            label: 'Put mine back',
            run: () => {
              if (widgetId === undefined) dashboard.updateSettings(set, { label });
              else dashboard.updateWidget(widgetId, set, { label });
            },
          },
    );
  });
}
