/** Bundles, minifies and gzips each package, prints what an app would download for it, and fails if it is too much. */

import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'rolldown';

const budgets = [
  { name: '@dashwire/client', entry: 'packages/client/src/index.ts', external: [], most: 14 * 1024 },
  {
    name: '@dashwire/react',
    entry: 'packages/react/src/index.ts',
    external: [/^react/, '@dashwire/client'],
    most: 10 * 1024,
  },
];

let failed = false;
for (const { name, entry, external, most } of budgets) {
  const { output } = await build({
    input: resolve(import.meta.dirname, '..', entry),
    external,
    platform: 'browser',
    write: false,
    output: { format: 'esm', minify: true },
  });
  const code = output.map((file) => (file.type === 'chunk' ? file.code : '')).join('');
  const size = gzipSync(code, { level: 9 }).length;
  const over = size > most;
  failed ||= over;
  console.log(`${name}: ${code.length} bytes, ${size} gzipped, of ${most}${over ? ': too much' : ''}`);
}
process.exitCode = failed ? 1 : 0;
