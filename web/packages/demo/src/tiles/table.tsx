import { ArrowDown, ArrowUp } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { statusOf } from './config.ts';
import type { DrawingProps } from './drawing.ts';
import { format, type Style } from './format.ts';
import { Scroll } from './scroll.tsx';
import { type Cell, compareCells, type Table as Data, decimalsOf, isNumeric, tableOf } from './values.ts';

/** More are counted, not drawn. */
const mostRows = 200;

interface Order {
  readonly column: number;
  readonly descending: boolean;
}

/** Rows and columns. A click on a head sorts, for this viewer; the widget may say by which column for all. */
export function Table({ config, value, kiosk }: DrawingProps): ReactNode {
  const data = value?.data;
  const table = useMemo((): Data => tableOf(data) ?? { columns: [], rows: [] }, [data]);
  const [mine, setMine] = useState<Order | null>(null);
  const given = table.columns.indexOf(config.sort);
  const order = mine ?? (config.sort !== '' && given >= 0 ? { column: given, descending: config.descending } : null);
  const numeric = useMemo(() => table.columns.map((_, i) => isNumeric(table, i)), [table]);
  const decimals = useMemo(() => table.columns.map((_, i) => decimalsOf(table, i)), [table]);
  const rows = useMemo(() => {
    if (!order) return table.rows;
    return table.rows.toSorted((a, b) =>
      compareCells(a[order.column] ?? null, b[order.column] ?? null, order.descending),
    );
  }, [table, order]);

  if (table.rows.length === 0) return <p className="kind kind-none">No rows.</p>;
  const sortBy = (column: number) => {
    if (mine?.column !== column) setMine({ column, descending: numeric[column] === true });
    else if (mine.descending === (numeric[column] === true)) setMine({ column, descending: !mine.descending });
    else setMine(null);
  };
  return (
    <Scroll className="kind-table" name={config.title || 'Table'} kiosk={kiosk}>
      <table>
        {table.columns.some((name) => name !== '') && (
          <thead>
            <tr>
              {table.columns.map((name, i) => {
                const sorted = order?.column === i ? (order.descending ? 'descending' : 'ascending') : undefined;
                const arrow = sorted && (sorted === 'descending' ? <ArrowDown size={12} /> : <ArrowUp size={12} />);
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
                  <th key={i} scope="col" aria-sort={sorted} className={numeric[i] ? 'is-numeric' : undefined}>
                    {kiosk || name === '' ? (
                      name
                    ) : (
                      <button type="button" onClick={() => sortBy(i)} title={`Sort by ${name}`}>
                        {name}
                        {arrow}
                      </button>
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.slice(0, mostRows).map((row, r) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no names
            <tr key={r}>
              {row.map((cell, i) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: as above
                  key={i}
                  className={numeric[i] ? 'is-numeric' : undefined}
                  data-status={typeof cell === 'number' ? statusOf(cell, config.thresholds) : undefined}
                >
                  {written(cell, config, numeric[i] === true, decimals[i] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > mostRows && <p className="kind-none">And {rows.length - mostRows} rows more.</p>}
    </Scroll>
  );
}

/**
 * A number is written as it came unless the widget says how, with as many decimals as others of its column; ids are numbers
 * too, and have none.
 */
function written(cell: Cell, { unit, decimals }: Style, numeric: boolean, inColumn: number): string {
  if (cell === null) return '';
  if (typeof cell !== 'number' || !numeric) return String(cell);
  if (unit !== undefined) return format(cell, { unit, decimals });
  return Math.abs(cell) < 1e21 ? cell.toFixed(decimals ?? inColumn) : String(cell);
}
