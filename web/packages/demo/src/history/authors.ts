import type { Author, Presence } from '@dashwire/client';
import { useConnectionStatus, useDashboard, useReadable } from '@dashwire/react';
import { useMemo } from 'react';
import { type Person, personOf } from '../person.ts';
import { presenceOf } from '../presence.ts';

/** Who an author is for a person. */
export type PersonOf = (author: Author) => Person;

/** Authors as people: by their presence if they are here, else by the id of their user. Oneself is `You`. */
export function useAuthors(): PersonOf {
  const presence = useReadable(useDashboard().presence);
  const { userId } = useConnectionStatus();
  return useMemo(() => authorsOf(presence, userId), [presence, userId]);
}

export function authorsOf(presence: readonly Presence[], self: string | null): PersonOf {
  const here = new Map(presence.map((one) => [one.userId, presenceOf(one)]));
  return ({ userId }) => {
    if (userId === null || userId === '') return personOf('Somebody');
    // An id is made of a name with dashes for spaces: the same colour whether its owner is here or not.
    const { name, color } = here.get(userId) ?? { ...personOf(userId.replaceAll('-', ' ')), name: userId };
    return { name: userId === self ? 'You' : name, color };
  };
}
