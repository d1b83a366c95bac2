/** The card that a key leads to: arrows go along the rows and columns as they stand on the screen. undefined = the key is none. */
export function nextCard<E extends Pick<HTMLElement, 'getBoundingClientRect'>>(
  cards: readonly E[],
  from: E,
  key: string,
): E | undefined {
  const at = cards.indexOf(from);
  switch (key) {
    case 'ArrowLeft':
      return cards[at - 1] ?? from;
    case 'ArrowRight':
      return cards[at + 1] ?? from;
    case 'Home':
      return cards[0];
    case 'End':
      return cards.at(-1);
    case 'ArrowUp':
    case 'ArrowDown': {
      const { left } = from.getBoundingClientRect();
      const below = key === 'ArrowDown';
      const others = below ? cards.slice(at + 1) : cards.slice(0, at).reverse();
      const same = others.find((card) => Math.abs(card.getBoundingClientRect().left - left) < 1);
      // The last row may be short: then its last card.
      return same ?? (below ? (cards.at(-1) ?? from) : from);
    }
    default:
      return undefined;
  }
}
