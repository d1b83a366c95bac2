import type { Presence } from '@dashwire/client';
import { useScope } from '../context.ts';
import type { PresencePatch } from '../own-presence.ts';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

/**
 * Everybody on the dashboard, oneself included, and how to change fields of one's own presence (`cursor` for one); `null` takes
 * one back. Who one is comes from the provider's `presence`.
 */
export function usePresence(): readonly [everybody: readonly Presence[], update: (patch: PresencePatch) => void] {
  const everybody = useReadable(useDashboard().presence);
  const { own } = useScope();
  return [everybody, own?.update ?? nowhere];
}

function nowhere(): void {}
