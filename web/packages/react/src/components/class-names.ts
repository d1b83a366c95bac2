/** The component's own class, and the app's. */
export function classNames(own: string, more: string | undefined): string {
  return more === undefined ? own : `${own} ${more}`;
}
