import type { Limits } from '@dashwire/client';

/** A file that a person gave, before anything of it was sent. */
export type ReadFile = { readonly text: string } | { readonly problem: string };

/** Reads a file and says in words what keeps it from being a dashboard; the server looks closer. */
export async function readFile(
  file: Pick<File, 'name' | 'size' | 'text'>,
  limits: Pick<Limits, 'documentBytes'> | null,
): Promise<ReadFile> {
  const most = 2 * (limits?.documentBytes ?? 4 << 20); // H3
  if (file.size > most) {
    return {
      problem: `The file is too large: it has ${megabytes(file.size)}, and this server takes ${megabytes(most)}.`,
    };
  }
  if (file.size === 0) return { problem: 'The file is empty.' };
  let text: string;
  try {
    text = await file.text();
  } catch {
    return { problem: 'The file cannot be read. If it is a folder, drop the files in it.' };
  }
  const problem = problemOf(text);
  return problem === null ? { text } : { problem };
}

/** What is wrong with a text that should be a dashboard; null = it may be one. */
export function problemOf(text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return 'This is no JSON file. A dashboard is exported as JSON: by the menu here, or by “Share › Export” in Grafana.';
  }
  return isDashboard(value)
    ? null
    : 'This is JSON, but no dashboard: it has neither widgets, as a file of Dashwire’s own, nor panels, as one of Grafana’s.';
}

/** The marks of the files that the server takes: our own export or document, and Grafana's old and new forms. */
function isDashboard(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { format, document, dashboard, spec, ...rest } = value as Record<string, unknown>;
  if (format === 'dashwire.dashboard') return true; // the server says what is wrong with it
  const marks = ['widgets', 'panels', 'rows', 'elements', 'schemaVersion'];
  return [rest, document, dashboard, spec].some(
    (one) => typeof one === 'object' && one !== null && marks.some((mark) => Object.hasOwn(one, mark)),
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(bytes < 10 << 20 ? 1 : 0)} MiB`;
}
