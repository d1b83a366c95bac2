import { part } from './part.ts';

/** Charts on canvas and Markdown: a quarter of what there is to fetch, and neither is needed before there is a value or a note. */
export const chartPart = part(() => import('./chart/time-chart.ts'));
export const markdownPart = part(() => import('./markdown.tsx'));

/** For a page that has drawn its first view: what it is most likely to need next. */
export function fetchDrawings(): void {
  chartPart.fetch();
  markdownPart.fetch();
}
