import { type Dashboard, DashwireError, type JsonObject } from '@dashwire/client';
import { announce } from '../announce.ts';
import { titleOf } from '../grid/tile-name.ts';
import { toast } from './toasts.ts';

/** Deletes a widget and offers to take that back. */
export function removeWidget(dashboard: Dashboard, widgetId: string): void {
  const widget = dashboard.widget(widgetId).getSnapshot();
  if (widget === undefined) return;
  const title = titleOf(widget, widgetId);
  const label = `Delete ${title}`;
  dashboard.deleteWidget(widgetId, { label });
  toast(`Deleted ${title}.`, {
    label: 'Undo',
    run: () => {
      // The undo of the page, as long as that is the last thing done; else the server brings it back (M9).
      if (dashboard.undoState.getSnapshot().undoLabel === label) void dashboard.undo();
      else dashboard.batch([{ type: 'WIDGET_UPDATE', widgetId, restore: true }], { label: `Bring back ${title}` });
      announce(`${title} is back.`);
    },
  });
}

/** Puts a copy below the widget; gives the copy's id. */
export function duplicateWidget(dashboard: Dashboard, widgetId: string): string | undefined {
  const widget = dashboard.widget(widgetId).getSnapshot();
  const place = dashboard.layout().getSnapshot()?.items[widgetId];
  if (widget === undefined) return undefined;
  const copy: JsonObject = { ...widget, title: `${titleOf(widget, widgetId)} copy` };
  const layout = place && { x: place.x, y: place.y + place.h, w: place.w, h: place.h };
  try {
    const made = dashboard.createWidget(copy, { layout, label: `Duplicate ${titleOf(widget, widgetId)}` });
    announce(`Duplicated ${titleOf(widget, widgetId)}.`);
    return made.widgetId;
  } catch (error) {
    if (!(error instanceof DashwireError)) throw error;
    toast(`It cannot be duplicated: ${error.message}`); // something in it is encrypted
    return undefined;
  }
}

/** Pins a widget, so that it stays where it is while others move, or lets go of it. */
export function pinWidget(dashboard: Dashboard, widgetId: string): void {
  const place = dashboard.layout().getSnapshot()?.items[widgetId];
  if (place === undefined) return;
  const title = titleOf(dashboard.widget(widgetId).getSnapshot(), widgetId);
  const label = `${place.static ? 'Unpin' : 'Pin'} ${title}`;
  dashboard.move({ [widgetId]: { static: !place.static } }, { label });
  announce(place.static ? `${title} moves again.` : `${title} is pinned: it stays where it is.`);
}

/** Has the browser keep a text as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it when it gets to it
}
