import { describe, expect, test } from 'vitest';
import { sealedPrefix } from '../sealing.ts';
import { headerOf, open, seal } from './jwe.ts';
import { KeyRing, newKey, passphraseKey } from './keyring.ts';
import { Fields, placeOf } from './place.ts';

describe('a sealed value', () => {
  test('is a compact JWE that says its key and place, hides its length, and opens with its key alone', async () => {
    const ring = new KeyRing({ keys: { a: newKey(), b: newKey() } });
    const [a, b] = [await ring.get('a'), await ring.get('b')] as [CryptoKey, CryptoKey];
    const place = placeOf({ dashboardId: 'ops', widgetId: null }, '/größe');
    const sealed = await seal({ n: 1 }, place, 'a', a);
    expect(sealed).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(sealed.startsWith(sealedPrefix)).toBe(true);
    expect(headerOf(sealed)).toEqual({ kid: 'a', place });
    expect(await open(sealed, a)).toEqual({ n: 1 });
    await expect(open(sealed, b)).rejects.toThrow();
    expect(await seal({ n: 1 }, place, 'a', a)).not.toBe(sealed);
    expect(await seal('another text', place, 'a', a)).toHaveLength(sealed.length);
  });

  test('does not open once its header is another', async () => {
    const key = await passphraseKey('words', 'salt', 1);
    const sealed = await seal('x', 'ops cpu /query', 'k', key);
    const header = JSON.parse(Buffer.from(sealed.split('.')[0] ?? '', 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...header, at: 'ops disk /query' })).toString('base64url');
    expect(headerOf(sealed.replace(/^[^.]+/, forged))?.place).toBe('ops disk /query');
    await expect(open(sealed.replace(/^[^.]+/, forged), key)).rejects.toThrow();
  });

  test.each([
    ['another version', `${sealedPrefix}ZS1maWVsZC0yIn0..a.b.c`, { kid: null, place: '' }],
    ['what only begins like one', `${sealedPrefix}!!`, null],
    ['no JSON', `${sealedPrefix}..a.b.c`, null],
    ['a plain text', 'select 1', null],
  ])('of %s has no header that could be trusted', (_, text, header) => {
    expect(headerOf(text)).toEqual(header);
  });
});

describe('keys', () => {
  test.each([
    ['too short', new Uint8Array(16)],
    ['no base64url', 'not a key!'],
    ['of the wrong length', newKey().slice(2)],
  ])('that are %s are refused with words', (_, key) => {
    expect(() => new KeyRing({ keys: { k: key } })).toThrow(/the key k is .*32 bytes/);
  });

  test('have names that fit into a header', () => {
    expect(() => new KeyRing({ keys: { 'a b': newKey() } })).toThrow(/id of a key/);
  });

  test('of the same words and salt are the same, and cannot be read out', async () => {
    const [one, same, other] = await Promise.all([
      passphraseKey('Grüße', 'team', 2),
      passphraseKey('Gru\u0308ße', 'team', 2),
      passphraseKey('Grüße', 'others', 2),
    ]);
    const sealed = await seal('x', 'p', 'k', one);
    expect(await open(sealed, same)).toBe('x');
    await expect(open(sealed, other)).rejects.toThrow();
    expect(one.extractable).toBe(false);
  });

  test('are looked up once at a time, and a lookup that fails is not tried again at once', async () => {
    const asked: string[] = [];
    const ring = new KeyRing({
      current: 'k',
      lookup: async (kid) => {
        asked.push(kid);
        return kid === 'none' ? null : newKey();
      },
    });
    expect(ring.writes).toBe(true);
    await Promise.all([ring.want('k'), ring.want('k'), ring.want('none')]);
    expect(asked).toEqual(['k', 'none']);
    expect(ring.want('none')).toBeUndefined();
    expect(ring.state.getSnapshot()).toEqual({ current: 'k', known: ['k'], missing: ['none'] });
  });
});

describe('fields', () => {
  const fields = new Fields({
    widgets: { '*': ['/notes/*'], table: ['/config/columns', '/config/a~1b'] },
    settings: ['/runbook'],
  });

  test.each([
    ['of any widget', ['stat'], '/notes/ana', true],
    ['deeper than its pattern', ['stat'], '/notes/ana/x', false],
    ['of another type', ['stat'], '/config/columns', false],
    ['of its type', ['table'], '/config/columns', true],
    ['with a slash in its name', ['table'], '/config/a~1b', true],
    ['of one of two types, while the type changes', ['stat', 'table'], '/config/columns', true],
    ['of a widget whose type is not known', [undefined], '/config/columns', true],
    ['of the settings', null, '/runbook', true],
    ['of a widget, in the settings', null, '/notes/ana', false],
  ] as const)('%s', (_, types, path, is) => {
    expect(fields.of(types)(path)).toBe(is);
  });

  test.each(['/type', '/*', 'config', '/a~2'])('cannot be %s', (pattern) => {
    expect(() => new Fields({ widgets: { '*': [pattern] } })).toThrow();
  });
});
