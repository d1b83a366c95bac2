import { copyFileSync, writeFileSync } from 'node:fs';
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: 'src/index.ts',
  format: 'esm',
  platform: 'browser',
  dts: true,
  tsconfig: 'tsconfig.build.json',
  sourcemap: true,
  // Everything here needs the browser: frameworks that draw on a server are told so.
  banner: { js: "'use client';" },
  onSuccess: () => {
    copyFileSync('src/style.css', 'dist/style.css');
    writeFileSync('dist/style.css.d.ts', 'export {};\n'); // TypeScript 6 and newer asks what is imported for its effect alone
  },
});
