import type { Widget } from '@dashwire/client';

/** What a person calls a widget: its title, or its id. */
export function titleOf(widget: Widget | undefined, widgetId: string): string {
  const title = widget?.title;
  return typeof title === 'string' && title.trim() !== '' ? title : widgetId;
}
