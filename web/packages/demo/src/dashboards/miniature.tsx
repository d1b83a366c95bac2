import type { ReactNode } from 'react';
import type { Miniature, Shape } from './shapes.ts';

/** The drawing's size, in its own units; a card crops what is lower. */
const width = 320;
const height = 160;
const gap = 3;

/** A small drawing of a dashboard; it is told in words beside it. */
export function MiniatureView({ miniature }: { readonly miniature: Miniature | null }): ReactNode {
  if (miniature === null) return <div className="mini is-loading" />;
  const { columns, rows, tiles } = miniature;
  const column = width / columns;
  // A few tiles are not blown up; many are shrunk until they can hardly be told apart, then cut off.
  const row = Math.min(Math.max(height / Math.max(rows, 1), 6), 14);
  return (
    <svg className="mini" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="xMidYMin slice" aria-hidden="true">
      {tiles.length === 0 && (
        <text className="mini-empty" x={width / 2} y={height / 2 + 4}>
          No tiles yet
        </text>
      )}
      {tiles.map(({ x, y, w, h, shape }) => {
        const box = { x: x * column, y: y * row, width: w * column - gap, height: h * row - gap };
        return (
          <g
            key={`${x}/${y}`}
            transform={`translate(${box.x + gap / 2} ${box.y + gap / 2})`}
            className={`mini-${shape}`}
          >
            {shape !== 'section' && (
              <rect className="mini-tile" width={Math.max(box.width, 1)} height={Math.max(box.height, 1)} rx="2.5" />
            )}
            <Hint shape={shape} width={box.width} height={box.height} />
          </g>
        );
      })}
    </svg>
  );
}

interface HintProps {
  readonly shape: Shape;
  readonly width: number;
  readonly height: number;
}

/** What is in a tile, as far as that can be told at this size. */
function Hint({ shape, width: w, height: h }: HintProps): ReactNode {
  if (shape === 'section')
    return <rect className="mini-ink" x="1" y={Math.max(h / 2 - 2, 0)} width={w * 0.3} height="3" rx="1.5" />;
  if (w < 14 || h < 12) return null;
  const inner = { x: 5, y: 5, w: w - 10, h: h - 10 };
  switch (shape) {
    case 'lines': {
      const at = (fx: number, fy: number) => `${inner.x + inner.w * fx} ${inner.y + inner.h * fy}`;
      return (
        <path
          className="mini-line"
          d={`M${at(0, 0.75)} L${at(0.14, 0.6)} ${at(0.28, 0.7)} ${at(0.42, 0.32)} ${at(0.56, 0.5)} ${at(0.7, 0.2)} ${at(0.84, 0.42)} ${at(1, 0.3)}`}
        />
      );
    }
    case 'number': {
      const size = Math.min(inner.h, 14);
      return (
        <rect
          className="mini-fill"
          x={inner.x}
          y={h / 2 - size / 2}
          width={Math.min(inner.w, size * 2.6)}
          height={size}
          rx="2"
        />
      );
    }
    case 'arc': {
      const r = Math.max(Math.min(inner.w / 2, inner.h - 2) - 2, 3);
      const [cx, cy] = [w / 2, h / 2 + r / 2];
      return (
        <>
          <path className="mini-track" d={`M${cx - r} ${cy} A${r} ${r} 0 0 1 ${cx + r} ${cy}`} />
          <path className="mini-arc" d={`M${cx - r} ${cy} A${r} ${r} 0 0 1 ${cx + r * 0.5} ${cy - r * 0.87}`} />
        </>
      );
    }
    case 'bars':
      return [0.85, 0.55, 0.7, 0.35]
        .slice(0, Math.max(Math.floor(inner.h / 7), 1))
        .map((part, i) => (
          <rect
            key={part}
            className="mini-fill"
            x={inner.x}
            y={inner.y + i * 7}
            width={inner.w * part}
            height="4"
            rx="1"
          />
        ));
    case 'rows':
    case 'words':
      return [1, 0.8, 0.92, 0.6, 0.86, 0.7]
        .slice(0, Math.max(Math.floor(inner.h / 7), 1))
        .map((part, i) => (
          <rect
            key={part}
            className="mini-ink"
            x={inner.x}
            y={inner.y + i * 7}
            width={inner.w * (shape === 'rows' ? 1 : part)}
            height="3"
            rx="1"
          />
        ));
    case 'other':
      return <rect className="mini-kept" x={inner.x} y={inner.y} width={inner.w} height={inner.h} rx="2" />;
  }
}
