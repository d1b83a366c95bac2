import { useEffect } from 'react';

/** Marks the page as at rest (`data-rest`) once the pointer has not moved for so many ms: then it is not drawn. */
export function useRest(ms: number): void {
  useEffect(() => {
    const { dataset } = document.documentElement;
    let timer: ReturnType<typeof setTimeout>;
    const rest = () => {
      dataset.rest = '';
    };
    const moved = () => {
      delete dataset.rest;
      clearTimeout(timer);
      timer = setTimeout(rest, ms);
    };
    moved();
    window.addEventListener('pointermove', moved);
    return () => {
      window.removeEventListener('pointermove', moved);
      clearTimeout(timer);
      delete dataset.rest;
    };
  }, [ms]);
}
