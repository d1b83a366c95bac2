import { DashboardRealtimeProvider, DashboardSyncIndicator, useWidget, useWidgetIds } from '@dashwire/react';
import { createRoot } from 'react-dom/client';
import '@dashwire/react/style.css';

function Tile({ id }: { id: string }) {
  const [widget, update] = useWidget(id);
  const rename = (title: string) => update({ set: { '/title': title } });
  return <input aria-label={id} value={String(widget?.title ?? '')} onChange={(e) => rename(e.target.value)} />;
}

function Tiles() {
  return useWidgetIds().map((id) => <Tile key={id} id={id} />);
}

createRoot(document.getElementById('app') ?? document.body).render(
  <DashboardRealtimeProvider userId="ana" dashboardId="demo">
    <DashboardSyncIndicator />
    <Tiles />
  </DashboardRealtimeProvider>,
);
