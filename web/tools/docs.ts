/** Type-checks the TypeScript in the project's documents, as somebody would who copies it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const documents = [
  'docs/typescript.md',
  'docs/react.md',
  'docs/encryption.md',
  'web/packages/client/README.md',
  'web/packages/react/README.md',
];
// Inside a package, where the names of packages mean what they mean to an app.
const folder = join(root, 'web/packages/demo/docs-code');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
try {
  let found = 0;
  for (const path of documents) {
    const text = readFileSync(join(root, path), 'utf8');
    for (const [, kind = 'ts', code = ''] of text.matchAll(/^```(tsx?)\n(.*?)^```$/gms)) {
      const name = `${path.split('/').at(-2)}-${basename(path, '.md')}-${++found}`.toLowerCase();
      writeFileSync(join(folder, `${name}.${kind}`), `${code}\nexport {};\n`);
    }
  }
  if (found < documents.length) throw new Error(`only ${found} pieces of code were found in ${documents.join(', ')}`);
  const config = join(folder, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ extends: '../tsconfig.json', include: ['*'] }));
  execFileSync('tsc', ['-p', config], { stdio: 'inherit' });
  console.log(`docs: ${found} pieces of code`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
