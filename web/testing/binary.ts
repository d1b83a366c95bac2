/** The server's binary: built by `go build` once for a state of the sources, whatever number of test workers ask for it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '../..');
const folder = join(tmpdir(), `dashwire-test-${process.getuid?.() ?? 0}`);
const dayMs = 86_400_000;

/** The path of a binary of `cmd/dashwire`, or of another command of the module; `DASHWIRE_BIN` names the first by hand. */
export async function binary(command = './cmd/dashwire'): Promise<string> {
  if (command === './cmd/dashwire' && process.env.DASHWIRE_BIN) return process.env.DASHWIRE_BIN;
  mkdirSync(folder, { recursive: true });
  const name = command.replace(/\W+/g, '-');
  const path = join(folder, `${fingerprint()}${name}`);
  const lock = `${path}.lock`;
  while (!existsSync(path)) {
    if (!take(lock)) {
      await delay(100); // another worker is building it
      continue;
    }
    try {
      if (!existsSync(path)) build(command, path);
    } finally {
      rmSync(lock, { force: true });
    }
  }
  return path;
}

function build(command: string, path: string): void {
  for (const old of readdirSync(folder)) {
    const file = join(folder, old);
    if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > dayMs) rmSync(file, { force: true });
  }
  const half = `${path}.${process.pid}`;
  const { status, error, stderr } = spawnSync('go', ['build', '-o', half, command], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`go build ${command}: ${error?.message ?? stderr}`);
  renameSync(half, path);
}

/** True: this process has the lock now. A lock whose process is gone is cleared away. */
function take(lock: string): boolean {
  try {
    const file = openSync(lock, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    if (owner) process.kill(owner, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(lock, { force: true });
  }
  return false;
}

/** Changes with every source file of the server: paths, sizes and times. */
function fingerprint(): string {
  const hash = createHash('sha256').update(root);
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (entry.isDirectory() && !entry.name.startsWith('.') && !['web', 'docs', 'tmp'].includes(entry.name)) {
      for (const file of readdirSync(join(root, entry.name), { recursive: true, withFileTypes: true })) {
        if (file.isFile() && !file.name.endsWith('_test.go')) add(join(file.parentPath, file.name));
      }
    } else if (/\.(go|mod|sum)$/.test(entry.name)) add(join(root, entry.name));
  }
  add(join(import.meta.dirname, 'testdata/signin/main.go'));
  return hash.digest('hex').slice(0, 16);

  function add(path: string): void {
    const stat = statSync(path, { throwIfNoEntry: false });
    hash.update(`${path} ${stat?.size} ${stat?.mtimeMs}\n`);
  }
}
