/** Counts what React draws, by the hook that its developer tools use; it is there in the build that people get, too. */
import type { Page } from 'playwright-core';

/** What was drawn since the counting began. */
export interface Renders {
  /** Commits of React. */
  readonly commits: number;
  /** Components that were called. */
  readonly components: number;
  /** Tiles of which some part was called, by id, with how often that was. */
  readonly tiles: Readonly<Record<string, number>>;
}

/** Has the pages of a context count; before the first of them is opened. */
export async function countRenders(page: Page): Promise<void> {
  await page.addInitScript(() => {
    interface Fiber {
      readonly alternate: Fiber | null;
      readonly child: Fiber | null;
      readonly sibling: Fiber | null;
      readonly return: Fiber | null;
      readonly flags: number;
      readonly tag: number;
      readonly stateNode: unknown;
    }
    const performedWork = 1;
    const components = [0, 1, 11, 14, 15]; // functions, classes, forwardRef, memo
    const counts = { commits: 0, components: 0, tiles: {} as Record<string, number> };
    const tileOf = (fiber: Fiber): string | undefined => {
      // The tile that it is in, or that it draws itself.
      for (let at: Fiber | null = fiber; at !== null; at = at.return) {
        if (at.stateNode instanceof HTMLElement && at.stateNode.dataset.tile) return at.stateNode.dataset.tile;
      }
      const { child } = fiber;
      return child?.stateNode instanceof HTMLElement ? child.stateNode.dataset.tile : undefined;
    };
    const walk = (fiber: Fiber, fresh: boolean): void => {
      const made = fresh || fiber.alternate === null;
      if (components.includes(fiber.tag) && (fiber.flags & performedWork) !== 0) {
        counts.components++;
        const tile = tileOf(fiber);
        if (tile !== undefined) counts.tiles[tile] = (counts.tiles[tile] ?? 0) + 1;
      }
      // What was taken over as it is has the same children.
      if (!made && fiber.child === fiber.alternate?.child) return;
      for (let child = fiber.child; child !== null; child = child.sibling) {
        if (made || child.alternate === null || child !== child.alternate) walk(child, made);
      }
    };
    Object.assign(window, {
      renders: counts,
      __REACT_DEVTOOLS_GLOBAL_HOOK__: {
        supportsFiber: true,
        renderers: new Map(),
        inject: () => 1,
        onCommitFiberUnmount() {},
        onPostCommitFiberRoot() {},
        onCommitFiberRoot(_: number, root: { current: Fiber }) {
          counts.commits++;
          walk(root.current, false);
        },
      },
    });
  });
}

/** What was counted since the last time that it was asked. */
export function rendersSince(page: Page): Promise<Renders> {
  return page.evaluate(() => {
    const { renders } = window as unknown as { renders: { commits: number; components: number; tiles: object } };
    const copy = structuredClone(renders) as Renders;
    Object.assign(renders, { commits: 0, components: 0, tiles: {} });
    return copy;
  });
}

/** Writes down the time from frame to frame, in ms, until it is told to stop. */
export async function countFrames(page: Page): Promise<() => Promise<readonly number[]>> {
  await page.evaluate(() => {
    const frames: number[] = [];
    const state = { frames, on: true };
    Object.assign(window, { frameCount: state });
    let last = performance.now();
    const next = (now: number) => {
      frames.push(now - last);
      last = now;
      if (state.on) requestAnimationFrame(next);
    };
    requestAnimationFrame((now) => {
      last = now;
      requestAnimationFrame(next);
    });
  });
  return () =>
    page.evaluate(() => {
      const { frameCount } = window as unknown as { frameCount: { frames: number[]; on: boolean } };
      frameCount.on = false;
      return frameCount.frames;
    });
}
