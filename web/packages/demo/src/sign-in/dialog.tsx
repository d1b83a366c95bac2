import { useClient } from '@dashwire/react';
import { type ReactNode, useEffect, useRef } from 'react';
import { useOf } from '../grid/select.ts';
import { Modal } from '../shell/modal.tsx';
import { SignInForm } from './form.tsx';

/** Over a page that goes on being shown: what was changed meanwhile is sent as soon as somebody is signed in again. */
export function SignInDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const { connection, sync } = useClient();
  const inside = useOf(connection, ({ state }) => state === 'live' || state === 'read-only' || state === 'fallback');
  const pending = useOf(sync, (status) => status.pending);
  const user = useOf(connection, ({ userId }) => userId);
  useEffect(() => {
    if (inside) onClose();
  }, [inside, onClose]);
  const ended = user === null ? 'Your sign-in has ended.' : `Your sign-in as ${user} has ended.`;
  return (
    <Modal title="Sign in again" text={`${ended} ${kept(pending)}`} open={open} focus={field} onClose={onClose}>
      <SignInForm field={field}>
        <button type="button" className="ui-button" onClick={onClose}>
          Later
        </button>
      </SignInForm>
    </Modal>
  );
}

function kept(pending: number): string {
  if (pending === 0) return 'What you change meanwhile is kept on this device.';
  return `${pending === 1 ? '1 change is' : `${pending} changes are`} kept on this device until then.`;
}
