/** How long a tile may take to appear, in ms. */
const patience = 3000;

/** Puts the focus on a tile of the grid once it is there, and brings it into view. */
export function focusTile(widgetId: string): void {
  const selector = `[data-tile="${CSS.escape(widgetId)}"]`;
  const arrive = (): boolean => {
    const tile = document.querySelector<HTMLElement>(selector);
    const box = tile?.querySelector<HTMLElement>('[tabindex]');
    if (!tile || !box) return false;
    box.focus({ preventScroll: true });
    tile.scrollIntoView({ block: 'nearest' });
    return true;
  };
  // After the sheet has given the focus back.
  requestAnimationFrame(() => {
    if (arrive()) return;
    const observer = new MutationObserver(() => {
      if (arrive()) observer.disconnect();
    });
    observer.observe(document.body, { childList: true, subtree: true });
    setTimeout(() => observer.disconnect(), patience);
  });
}
