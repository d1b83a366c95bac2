import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The pages come from vite and everything live from Dashwire, so that the browser sees one origin. */
const dashwire = 'http://127.0.0.1:3000';

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: { '/api': { target: dashwire, ws: true, changeOrigin: true, headers: { origin: dashwire } } },
  },
});
