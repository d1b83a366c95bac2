import { useReadable } from '@dashwire/react';
import { X } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { announcement } from '../announce.ts';
import { dismiss, type Toast, toastMs, toasts } from './toasts.ts';
import './notices.css';

/** Toasts, and what is said to screen readers only. Once per page. */
export function Notices(): ReactNode {
  const shown = useReadable(toasts);
  return (
    <>
      <Announcer />
      <div className="toasts" role="status">
        {shown.map((one) => (
          <ToastView key={one.id} toast={one} />
        ))}
      </div>
    </>
  );
}

function Announcer(): ReactNode {
  const { text, count } = useReadable(announcement);
  // Two in turn: the same words again are a change too.
  return (
    <div className="ui-unseen" aria-live="polite">
      <p>{count % 2 === 0 ? text : ''}</p>
      <p>{count % 2 === 1 ? text : ''}</p>
    </div>
  );
}

function ToastView({ toast }: { readonly toast: Toast }): ReactNode {
  const [held, setHeld] = useState(false);
  const { id, text, action } = toast;
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(id), toastMs);
    return () => clearTimeout(timer);
  }, [id, held]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only waits while somebody is at it
    <div
      className="toast"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span className="toast-text">{text}</span>
      {action && (
        <button
          type="button"
          className="toast-action"
          onClick={() => {
            dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" className="toast-close" aria-label="Dismiss" onClick={() => dismiss(id)}>
        <X size={14} />
      </button>
    </div>
  );
}
