/** All keys of a dashboard, as the list behind `?` shows them. The grid reads its own in grid/control.ts, the page the others. */
export const keyGroups: readonly {
  readonly name: string;
  readonly keys: readonly { readonly keys: readonly string[]; readonly does: string }[];
}[] = [
  {
    name: 'Tiles',
    keys: [
      { keys: ['←', '→', '↑', '↓'], does: 'go to the tile beside' },
      { keys: ['Home', 'End'], does: 'first and last tile' },
      { keys: ['M'], does: 'move: then arrows, Enter, or Esc to put it back' },
      { keys: ['R'], does: 'resize: then arrows, Enter, or Esc to put it back' },
      { keys: ['Enter'], does: 'settings of the tile' },
      { keys: ['F2'], does: 'rename' },
      { keys: ['D'], does: 'duplicate' },
      { keys: ['P'], does: 'pin, so that it stays where it is, or let go' },
      { keys: ['Del'], does: 'delete' },
    ],
  },
  {
    name: 'Dashboard',
    keys: [
      { keys: ['A'], does: 'add a tile' },
      { keys: ['Ctrl', 'Z'], does: 'undo' },
      { keys: ['Ctrl', 'Shift', 'Z'], does: 'redo' },
      { keys: ['H'], does: 'history' },
      { keys: ['['], does: 'show less time' },
      { keys: [']'], does: 'show more time' },
      { keys: ['S'], does: 'copy the link' },
      { keys: ['K'], does: 'kiosk: nothing but tiles' },
      { keys: ['G'], does: 'all dashboards' },
      { keys: ['Esc'], does: 'close, stop following, leave the kiosk' },
      { keys: ['?'], does: 'this list' },
    ],
  },
];

export type PageKey =
  | 'add'
  | 'undo'
  | 'redo'
  | 'history'
  | 'shorter'
  | 'longer'
  | 'share'
  | 'kiosk'
  | 'dashboards'
  | 'escape'
  | 'help';

const plain: Readonly<Record<string, PageKey>> = {
  a: 'add',
  h: 'history',
  s: 'share',
  k: 'kiosk',
  g: 'dashboards',
  '[': 'shorter',
  ']': 'longer',
  '?': 'help',
  Escape: 'escape',
};

/** What a key asks of the page; undefined = nothing, or it is meant for a field, a menu or the browser. */
export function pageKeyOf(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'target'>,
) {
  if (event.target instanceof Element && takesText(event.target)) return undefined;
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (ctrlKey || metaKey) {
    if (altKey) return undefined;
    const letter = key.toLowerCase();
    if (letter === 'z') return shiftKey ? 'redo' : 'undo';
    return letter === 'y' && !shiftKey ? 'redo' : undefined;
  }
  if (altKey) return undefined;
  return Object.hasOwn(plain, key) ? plain[key] : undefined;
}

export function takesText(element: Element): boolean {
  return (
    element.closest(
      'input:not([type="radio"], [type="checkbox"]), textarea, select, [contenteditable], [role="menu"]',
    ) !== null
  );
}
