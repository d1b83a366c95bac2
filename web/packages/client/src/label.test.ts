import { expect, test } from 'vitest';
import type { DashboardDocument } from './document.ts';
import { labelOf } from './label.ts';
import type { Op } from './operation.ts';

const document: DashboardDocument = {
  id: 'ops',
  epoch: 'e',
  version: 1,
  settings: {},
  widgets: { cpu: { title: 'CPU' }, disk: { title: 'Disk' }, bare: {}, odd: { title: 7 } },
  layouts: {},
};

const cases: { label: string; op: Op }[] = [
  { label: 'Add Memory', op: { type: 'WIDGET_UPDATE', widgetId: 'm', create: true, set: { '/title': 'Memory' } } },
  { label: 'Add m', op: { type: 'WIDGET_UPDATE', widgetId: 'm', create: true } },
  { label: 'Restore old', op: { type: 'WIDGET_UPDATE', widgetId: 'old', restore: true } },
  { label: 'Rename Disk to Storage', op: { type: 'WIDGET_UPDATE', widgetId: 'disk', set: { '/title': 'Storage' } } },
  { label: "Change Disk's title", op: { type: 'WIDGET_UPDATE', widgetId: 'disk', unset: ['/title'] } },
  { label: "Change CPU's unit", op: { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/config/unit': '%' } } },
  { label: "Change CPU's a/b", op: { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/a~1b': 1 } } },
  { label: 'Change CPU', op: { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'x' }, unset: ['/config'] } },
  { label: 'Change bare', op: { type: 'WIDGET_UPDATE', widgetId: 'bare', changes: { a: 1 } } },
  { label: 'Delete Disk', op: { type: 'WIDGET_DELETE', widgetId: 'disk' } },
  { label: 'Delete odd', op: { type: 'WIDGET_DELETE', widgetId: 'odd' } },
  { label: 'Move CPU', op: { type: 'LAYOUT_UPDATE', moved: { cpu: { x: 1, y: 2, w: 3 } } } },
  { label: 'Move 2 widgets', op: { type: 'LAYOUT_UPDATE', moved: { cpu: { x: 1 }, disk: { y: 1 } } } },
  { label: 'Resize CPU', op: { type: 'LAYOUT_UPDATE', moved: { cpu: { h: 3 } } } },
  { label: 'Pin CPU', op: { type: 'LAYOUT_UPDATE', moved: { cpu: { static: true } } } },
  { label: 'Unpin CPU', op: { type: 'LAYOUT_UPDATE', moved: { cpu: { static: false } } } },
  { label: 'Change the grid', op: { type: 'LAYOUT_UPDATE', columns: 12 } },
  { label: 'Restore the layout of version 4', op: { type: 'LAYOUT_RESTORE', toVersion: 4 } },
  { label: 'Rename the dashboard to Ops', op: { type: 'DASHBOARD_UPDATE', set: { '/title': 'Ops' } } },
  { label: "Change the dashboard's tags", op: { type: 'DASHBOARD_UPDATE', set: { '/tags': [] } } },
  { label: 'Delete CPU', op: { type: 'WIDGET_BATCH', operations: [{ type: 'WIDGET_DELETE', widgetId: 'cpu' }] } },
  {
    label: '2 changes',
    op: {
      type: 'WIDGET_BATCH',
      operations: [
        { type: 'WIDGET_DELETE', widgetId: 'cpu' },
        { type: 'WIDGET_DELETE', widgetId: 'disk' },
      ],
    },
  },
];

test.each(cases)('an op in words: $label', ({ label, op }) => {
  expect(labelOf(op, document)).toBe(label);
});

test('without a document a widget goes by its id', () => {
  expect(labelOf({ type: 'WIDGET_DELETE', widgetId: 'cpu' }, null)).toBe('Delete cpu');
});
