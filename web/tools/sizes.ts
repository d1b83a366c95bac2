/**
 * Bundles, minifies and gzips each package, and prints what an app downloads for it: at first, and when it is first needed.
 * Fails if either the first load or the whole is too much.
 */

import { basename, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type OutputChunk } from 'rolldown';

const budgets = [
  { name: '@dashwire/client', entry: 'packages/client/src/index.ts', external: [], first: 24_300, all: 30_000 },
  {
    name: '@dashwire/client/encryption',
    entry: 'packages/client/src/encryption/index.ts',
    external: [],
    first: 18_000,
    all: 18_000,
  },
  {
    name: '@dashwire/react',
    entry: 'packages/react/src/index.ts',
    external: [/^react/, '@dashwire/client'],
    first: 10 * 1024,
    all: 10 * 1024,
  },
];

const sizeOf = (code: string) => gzipSync(code, { level: 9 }).length;
const check = (what: string, size: number, most: number) => {
  const over = size > most;
  if (over) process.exitCode = 1;
  console.log(`${what}: ${size} bytes gzipped, of ${most}${over ? ': too much' : ''}`);
};

for (const { name, entry, external, first, all } of budgets) {
  const { output } = await build({
    input: resolve(import.meta.dirname, '..', entry),
    external,
    platform: 'browser',
    preserveEntrySignatures: 'allow-extension', // as in the build of an app
    write: false,
    output: { format: 'esm', minify: true, comments: false },
  });
  const chunks = output.filter((file) => file.type === 'chunk');
  /** The entry, and what it imports in turn. */
  const atFirst = new Set<OutputChunk>();
  const visit = (chunk: OutputChunk | undefined) => {
    if (!chunk || atFirst.has(chunk)) return;
    atFirst.add(chunk);
    for (const file of chunk.imports) visit(chunks.find(({ fileName }) => fileName === file));
  };
  visit(chunks.find(({ isEntry }) => isEntry));
  const later = chunks.filter((chunk) => !atFirst.has(chunk));
  const sum = (some: Iterable<OutputChunk>) => [...some].reduce((bytes, { code }) => bytes + sizeOf(code), 0);
  check(`${name}, at first`, sum(atFirst), first);
  for (const { code, fileName, moduleIds } of later) {
    console.log(`  later ${fileName}: ${sizeOf(code)} (${moduleIds.map((id) => basename(id)).join(', ')})`);
  }
  if (later.length > 0) check(`${name}, all`, sum(chunks), all);
}
