import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode, RefObject } from 'react';
import './dialog.css';

interface ModalProps {
  readonly title: string;
  /** A sentence below the title, which is read out with it. */
  readonly text?: ReactNode;
  readonly className?: string;
  /** What has the focus when it opens; the first control, if absent. */
  readonly focus?: RefObject<HTMLElement | null>;
  readonly open?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog over the page, with a title and a way out of it. */
export function Modal({ title, text, className, focus, open = true, onClose, children }: ModalProps): ReactNode {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="dialog-backdrop" />
        <Dialog.Popup className={className ? `dialog ${className}` : 'dialog'} initialFocus={focus} aria-modal="true">
          <header className="dialog-header">
            <Dialog.Title className="dialog-title">{title}</Dialog.Title>
            <Dialog.Close className="ui-button plain icon" aria-label="Close">
              <X size={16} />
            </Dialog.Close>
          </header>
          {text !== undefined && <Dialog.Description className="dialog-text">{text}</Dialog.Description>}
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
