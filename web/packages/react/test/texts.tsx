import { english, type Texts } from '@dashwire/react';

export const german: Partial<Texts> = {
  later: 'Später',
  allMine: 'Alles von mir',
  allTheirs: 'Alles von den anderen',
  sync: (status) => (status.state === 'saved' ? 'Gespeichert' : english.sync(status)),
  operation: (op) => (op.type === 'WIDGET_DELETE' ? 'Widget löschen' : op.label),
};
