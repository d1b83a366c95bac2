import type { ComponentType, ReactNode } from 'react';
import { PrivateField } from '../private/private-text.tsx';
import type { TileProps } from '../tile.ts';
import { commonUnits } from '../tiles/units.ts';
import { ChoiceField, NumberField, TextField } from './inputs.tsx';
import { SeriesField, ThresholdsField } from './lists.tsx';

function NumberStyle(): ReactNode {
  return (
    <div className="field-pair">
      <TextField path="/config/unit" label="Unit" placeholder="short" suggestions={commonUnits} />
      <NumberField path="/config/decimals" label="Decimals" placeholder="automatic" whole={[0, 9]} />
    </div>
  );
}

function Ends(): ReactNode {
  return (
    <div className="field-pair">
      <NumberField path="/config/min" label="Minimum" placeholder="from the data" />
      <NumberField path="/config/max" label="Maximum" placeholder="from the data" />
    </div>
  );
}

function Lines(): ReactNode {
  return (
    <>
      <NumberStyle />
      <Ends />
      <SeriesField />
      <ThresholdsField />
    </>
  );
}

function OneNumber(): ReactNode {
  return (
    <>
      <NumberStyle />
      <Ends />
      <ThresholdsField />
    </>
  );
}

function Cells({ widget }: TileProps): ReactNode {
  return (
    <>
      <div className="field-pair">
        <TextField path="/config/sort" label="Sorted by column" placeholder="as it comes" />
        <NumberField path="/config/decimals" label="Decimals" placeholder="as they come" whole={[0, 9]} />
      </div>
      <ThresholdsField key={String(widget.type)} />
    </>
  );
}

function Words(): ReactNode {
  return (
    <>
      <TextField
        path="/config/text"
        label="Text"
        rows={12}
        mono
        placeholder="Markdown: **bold**, - lists, [links](https://…)"
      />
      <ChoiceField
        path="/config/mode"
        label="Written as"
        fallback="markdown"
        options={[
          ['markdown', 'Markdown'],
          ['text', 'Plain text'],
          ['html', 'HTML, shown as text'],
        ]}
      />
      <PrivateField />
    </>
  );
}

const byType: Readonly<Record<string, ComponentType<TileProps>>> = {
  timeseries: Lines,
  stat: OneNumber,
  gauge: OneNumber,
  bargauge: OneNumber,
  table: Cells,
  text: Words,
};

/** The fields of a type besides those that every widget has. */
export function fieldsOf(type: string): ComponentType<TileProps> | undefined {
  return Object.hasOwn(byType, type) ? byType[type] : undefined;
}
