import { useReadable } from '@dashwire/react';
import type { ReactNode } from 'react';
import { rangeMinutes, ranges, setRange } from './time-range.ts';

/** How much time the charts show. */
export function RangeSwitch(): ReactNode {
  const minutes = useReadable(rangeMinutes);
  return (
    <fieldset className="segments" aria-label="Time shown" title="Time shown ( [ and ] )">
      {ranges.map((one) => (
        <label key={one}>
          <input type="radio" name="range" value={one} checked={one === minutes} onChange={() => setRange(one)} />
          <span>{one} min</span>
        </label>
      ))}
    </fieldset>
  );
}
