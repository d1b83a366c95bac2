import { type Readable, Store } from '@dashwire/client';

/** The local clock in whole seconds, in ms since 1970: for ages. One timer for all who look, none if nobody does. */
export const seconds: Readable<number> = (() => {
  const store = new Store(Date.now());
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    getSnapshot: store.getSnapshot,
    subscribe(listener) {
      timer ??= setInterval(() => store.set(Date.now()), 1000);
      const end = store.subscribe(listener);
      return () => {
        end();
        if (store.watched > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
})();
