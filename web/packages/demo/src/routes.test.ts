import { describe, expect, test } from 'vitest';
import { dashboardHref, duration, isId, parseOptions, parseRoute, shareLink } from './routes.ts';

describe('parseRoute', () => {
  test.each([
    ['', { page: 'dashboard', id: 'machine' }],
    ['#', { page: 'dashboard', id: 'machine' }],
    ['#ops', { page: 'dashboard', id: 'ops' }],
    ['#/d/ops', { page: 'dashboard', id: 'ops' }],
    ['#/d/ops/', { page: 'dashboard', id: 'ops' }],
    ['#/d/team%3Aops', { page: 'dashboard', id: 'team:ops' }],
    ['#/', { page: 'dashboards' }],
    ['#/dashboards', { page: 'dashboards' }],
    ['#/d/', { page: 'unknown', id: '' }],
    ['#/d/a b', { page: 'unknown', id: 'a b' }],
    ['#%', { page: 'unknown', id: '%' }],
  ])('%s', (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  test('finds again what dashboardHref wrote', () => {
    for (const id of ['a', 'x.y', 'A:b-c_d.0'])
      expect(parseRoute(dashboardHref(id))).toEqual({ page: 'dashboard', id });
  });
});

describe('D2: isId', () => {
  test.each(['a', 'x'.repeat(128), 'A.b_c:d-e', '..a'])('takes %s', (text) => expect(isId(text)).toBe(true));
  test.each(['', '.', '..', 'x'.repeat(129), 'a/b', 'ä', '__proto__', 'constructor', 'prototype', 'a\n'])(
    'refuses %j',
    (text) => expect(isId(text)).toBe(false),
  );
});

describe('parseOptions', () => {
  test.each([
    ['', { kiosk: null, userId: null }],
    ['?kiosk', { kiosk: { dashboards: [], rotateMs: 0 }, userId: null }],
    ['?kiosk=a', { kiosk: { dashboards: ['a'], rotateMs: 0 }, userId: null }],
    ['?kiosk=a,b', { kiosk: { dashboards: ['a', 'b'], rotateMs: 30_000 }, userId: null }],
    ['?kiosk=a, b,a,%2F&rotate=2m', { kiosk: { dashboards: ['a', 'b'], rotateMs: 120_000 }, userId: null }],
    ['?userId=ana', { kiosk: null, userId: 'ana' }],
    ['?userId=a%20b', { kiosk: null, userId: null }],
  ])('%s', (search, options) => {
    expect(parseOptions(search)).toEqual(options);
  });
});

test.each([
  ['30s', 30_000],
  ['90', 90_000],
  ['1.5m', 90_000],
  ['1h', 3_600_000],
  ['0', 3_000],
  ['-1', null],
  ['soon', null],
  ['', null],
])('duration %s', (text, ms) => {
  expect(duration(text)).toBe(ms);
});

test('shareLink leaves out who one is', () => {
  expect(shareLink({ origin: 'https://wall.example', pathname: '/x/' }, 'ops')).toBe('https://wall.example/x/#/d/ops');
});
