import { type RefObject, useLayoutEffect, useState } from 'react';

/** How far outside of the window a body is kept drawn, in px. */
const margin = 400;

const callbacks = new WeakMap<Element, (near: boolean) => void>();
let observer: IntersectionObserver | undefined;

/** Whether an element is in the window or near it; always, where the browser cannot tell. One observer watches all. */
export function useNear(element: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(typeof IntersectionObserver === 'undefined');
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null || typeof IntersectionObserver === 'undefined') return;
    observer ??= new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) callbacks.get(target)?.(isIntersecting);
      },
      { rootMargin: `${margin}px` },
    );
    callbacks.set(current, setNear);
    observer.observe(current);
    return () => {
      callbacks.delete(current);
      observer?.unobserve(current);
    };
  }, [element]);
  return near;
}
