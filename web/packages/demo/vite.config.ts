import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/** Where `vite` and `vite preview` find the server. */
const server = process.env.DASHWIRE_SERVER ?? 'http://127.0.0.1:3000';
const proxy = {
  // The Host of the server's own: without sign-in it serves loopback names only, and origins that match (C1, H6).
  '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } },
};

/** As the server sends it (internal/page), so that what works here works there. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/**
 * The build is embedded by the Go package internal/page and served under a policy that allows no inline script, style or
 * image, so nothing is inlined here. The same sources give the same bytes.
 */
export default defineConfig({
  base: './',
  plugins: [react()],
  // The packages as they stand here, not as they were built last.
  resolve: { conditions: ['dashwire-source', ...defaultClientConditions] },
  build: {
    outDir: process.env.DASHWIRE_DIST ?? '../../../internal/page/dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    cssCodeSplit: false, // a part whose own stylesheet failed once would come without it
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600, // the first view: React, the client, charts
  },
  server: { proxy },
  preview: { proxy, headers: { 'Content-Security-Policy': policy } },
});
