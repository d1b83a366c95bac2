import { afterEach, expect, test } from 'vitest';
import { platform } from './platform.ts';

const before = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');

afterEach(() => {
  if (before) Object.defineProperty(globalThis, 'indexedDB', before);
  else Reflect.deleteProperty(globalThis, 'indexedDB');
});

test('a page that may not store anything has no database', () => {
  Object.defineProperty(globalThis, 'indexedDB', {
    configurable: true,
    get() {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    },
  });
  expect(platform().indexedDB).toBeNull();
});
