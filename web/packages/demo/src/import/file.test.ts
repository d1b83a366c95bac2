import { describe, expect, it } from 'vitest';
import { problemOf, readFile } from './file.ts';

const file = (text: string, size = text.length) => ({ name: 'a.json', size, text: () => Promise.resolve(text) });
const limits = { documentBytes: 1 << 20 };

describe('problemOf', () => {
  it.each([
    ['our export', '{"format":"dashwire.dashboard","formatVersion":1,"document":{}}'],
    ['a document as it is read', '{"widgets":{},"layouts":{}}'],
    ['an export that has lost its document, of which the server says more', '{"format":"dashwire.dashboard"}'],
    ['Grafana’s', '{"title":"x","panels":[]}'],
    ['Grafana’s of old', '{"rows":[]}'],
    ['Grafana’s without panels', '{"schemaVersion":38}'],
    ['what Grafana’s API answers', '{"meta":{},"dashboard":{"panels":[]}}'],
    ['Grafana’s resources', '{"kind":"Dashboard","spec":{"elements":{},"layout":{}}}'],
    ['a file with a byte order mark', '\uFEFF{"panels":[]}'],
  ])('takes %s', (_, text) => {
    expect(problemOf(text)).toBeNull();
  });

  it.each([
    ['a cut file', '{"panels":[', /no JSON/],
    ['a page', '<!doctype html>', /no JSON/],
    ['a list', '[]', /no dashboard/],
    ['a number', '42', /no dashboard/],
    ['null', 'null', /no dashboard/],
    ['a package', '{"name":"x","dependencies":{}}', /no dashboard/],
  ])('refuses %s', (_, text, words) => {
    expect(problemOf(text)).toMatch(words);
  });
});

describe('readFile', () => {
  it('does not read what the server would not take (D5)', async () => {
    const large = { ...file('{}', 3 << 20), text: () => Promise.reject(new Error('it was read')) };
    expect(await readFile(large, limits)).toEqual({
      problem: 'The file is too large: it has 3.0 MiB, and this server takes 2.0 MiB.',
    });
    expect(await readFile(file('{"panels":[]}', 3 << 20), null)).toEqual({ text: '{"panels":[]}' });
  });

  it('says what is wrong with an empty one, and with one that cannot be read', async () => {
    expect(await readFile(file(''), limits)).toEqual({ problem: 'The file is empty.' });
    const folder = { ...file('x'), text: () => Promise.reject(new Error('is a directory')) };
    expect(await readFile(folder, limits)).toEqual({ problem: expect.stringContaining('folder') });
  });
});
