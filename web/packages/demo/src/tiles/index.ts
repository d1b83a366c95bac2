import './tiles.css';
import { fieldsOf } from '../settings/fields.tsx';
import type { TileKind } from '../tile.ts';
import { Body } from './body.tsx';
import type { Kind } from './drawing.ts';
import { kindOf, kinds } from './kinds.ts';

const whole = (kind: Kind): TileKind => ({ ...kind, Body, Settings: fieldsOf(kind.type) });

/** The kinds of widgets that are drawn, in the order of the gallery. */
export const tileKinds: readonly TileKind[] = kinds.map(whole);

const known = new Map(tileKinds.map((kind) => [kind.type, kind]));
const other = whole(kindOf(undefined));

/** The kind of a widget by its `type`, whatever stands there; there is one for the types that are not drawn. */
export function tileKind(type: unknown): TileKind {
  return (typeof type === 'string' && known.get(type)) || other;
}
