import { expect, test } from 'vitest';
import { inWords, withValue } from './preview.tsx';

const widget = { type: 'gauge', config: { unit: '%', limits: [1, 2], 'a/b': { '~': 1 } } };

test.each([
  ['/type', 'stat', { ...widget, type: 'stat' }],
  ['/config/unit', 'bytes', { ...widget, config: { ...widget.config, unit: 'bytes' } }],
  ['/config/max', null, { ...widget, config: { ...widget.config, max: null } }],
  ['/config/unit', undefined, { ...widget, config: { limits: [1, 2], 'a/b': { '~': 1 } } }],
  ['/config/a~1b/~0', 2, { ...widget, config: { ...widget.config, 'a/b': { '~': 2 } } }],
  ['/config/deep/er', 1, { ...widget, config: { ...widget.config, deep: { er: 1 } } }],
  ['/config/limits/0', 9, widget],
  ['/config', undefined, { type: 'gauge' }],
])('E6: %s as %j', (path, value, shown) => {
  expect(withValue(widget, path, value)).toEqual(shown);
});

test('values in words', () => {
  expect([inWords('a'), inWords(undefined), inWords(null), inWords(1.5)]).toEqual(['a', '(nothing)', 'null', '1.5']);
});
