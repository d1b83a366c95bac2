/** The grid as a person sees and handles it. */
import type { Rectangle } from '@dashwire/client';
import type { Page } from 'playwright-core';
import type { Person } from './browser.ts';
import type { Stored } from './rest.ts';

/** The height of a row with its gap, and the gap, in px. */
const row = 32;
const gap = 8;

type Place = Omit<Rectangle, 'static'>;

/** A dashboard as far as it is seen: its name, and each tile's title and place in cells, by id. */
export interface Seen {
  readonly title: string;
  readonly tiles: Readonly<Record<string, Place & { readonly title: string }>>;
}

/** What a window shows. Tiles that are easing into their places count as there. */
export async function seen(person: Person, columns = 24): Promise<Seen> {
  return person.page.evaluate(
    ({ columns, row, gap }) => {
      const grid = document.querySelector('.grid');
      const width = grid?.clientWidth ?? 0;
      const column = (width + gap) / columns;
      const tiles: Record<string, { title: string; x: number; y: number; w: number; h: number }> = {};
      for (const tile of grid?.querySelectorAll<HTMLElement>('[data-tile]') ?? []) {
        const { transform, width, height } = tile.style;
        const [left = 0, top = 0] = [...transform.matchAll(/-?[\d.]+(?=px)/g)].map(Number);
        tiles[tile.dataset.tile ?? ''] = {
          title: tile.querySelector('[role="group"]')?.getAttribute('aria-label') ?? '',
          x: Math.round(left / column),
          y: Math.round(top / row),
          w: Math.round((Number.parseFloat(width) + gap) / column),
          h: Math.round((Number.parseFloat(height) + gap) / row),
        };
      }
      const name = document.querySelector('header input[aria-label="Name of the dashboard"]');
      return { title: name instanceof HTMLInputElement ? name.value : '', tiles };
    },
    { columns, row, gap },
  );
}

/** What a window should show of a document. */
export function toBeSeen({ id, settings, widgets, layouts }: Stored): Seen {
  const tiles: Record<string, Place & { title: string }> = {};
  for (const [name, { x, y, w, h }] of Object.entries(layouts.main?.items ?? {})) {
    tiles[name] = { title: String(widgets[name]?.title ?? name), x, y, w, h };
  }
  return { title: String(settings.title ?? id), tiles };
}

export interface Drag {
  /** Cells to the right and down. */
  readonly x?: number;
  readonly y?: number;
  /** How many moves of the mouse it takes; default 12. */
  readonly steps?: number;
}

/** Moves a tile by its header. */
export async function moveTile(person: Person, title: string, drag: Drag): Promise<void> {
  const { page } = person;
  const by = await press(person, title, 'move');
  await slide(page, by, drag);
  await page.mouse.up();
}

/** Resizes a tile by its corner. */
export async function resizeTile(person: Person, title: string, drag: Drag): Promise<void> {
  const { page } = person;
  const by = await press(person, title, 'resize');
  await slide(page, by, drag);
  await page.mouse.up();
}

export interface Held {
  /** Where the mouse was pressed. */
  readonly x: number;
  readonly y: number;
  /** The width of a column with its gap, in px. */
  readonly column: number;
}

/** Presses the mouse on a tile's header or corner, and keeps it down. */
export async function press(person: Person, title: string, grip: 'move' | 'resize'): Promise<Held> {
  const { page } = person;
  const tile = person.tile(title);
  const place = grip === 'move' ? tile.getByRole('heading').first() : tile.locator('[data-grip="resize"]');
  await tile.scrollIntoViewIfNeeded();
  const box = await place.boundingBox();
  const grid = await page.locator('.grid').boundingBox();
  if (box === null || grid === null) throw new Error(`${title} cannot be taken hold of`);
  const held = {
    x: Math.round(box.x + Math.min(12, box.width / 2)),
    y: Math.round(box.y + box.height / 2),
    column: (grid.width + gap) / 24,
  };
  await page.mouse.move(held.x, held.y);
  await page.mouse.down();
  return held;
}

/** Takes what is held so many cells from where it was pressed. */
export async function slide(page: Page, { x, y, column }: Held, drag: Drag): Promise<void> {
  await page.mouse.move(x + (drag.x ?? 0) * column, y + (drag.y ?? 0) * row, { steps: drag.steps ?? 12 });
}

/** Renames a tile in its header. */
export async function renameTile(person: Person, from: string, to: string): Promise<void> {
  const tile = person.tile(from);
  await tile.getByRole('heading', { name: from, exact: true }).dblclick({ position: { x: 8, y: 8 } }); // buttons lie over its end
  const field = tile.getByRole('textbox', { name: 'Title' });
  await field.fill(to);
  await field.press('Enter');
}

/** Deletes a tile by the button in its header. */
export async function deleteTile(person: Person, title: string): Promise<void> {
  await person.tile(title).hover();
  await person.button(`Delete ${title}`).click();
}
