import { DashboardRealtimeProvider } from '@dashwire/react';
import '@dashwire/react/style.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Board } from './board.tsx';
import './board.css';

const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no #app');

// Who one is, on a server without sign-in; with sign-in give `token` instead.
const user = new URLSearchParams(location.search).get('user') ?? 'ana';

createRoot(root).render(
  <StrictMode>
    <DashboardRealtimeProvider userId={user} dashboardId="todo" presence={{ name: user }}>
      <Board />
    </DashboardRealtimeProvider>
  </StrictMode>,
);
