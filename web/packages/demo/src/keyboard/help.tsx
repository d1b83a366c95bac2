import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import './help.css';
import { keyGroups } from './keys.ts';

/** The list of all keys. */
export function KeyboardHelp({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }): ReactNode {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="dialog-backdrop" />
        <Dialog.Popup className="dialog help">
          <header className="dialog-header">
            <Dialog.Title className="dialog-title">Keys</Dialog.Title>
            <Dialog.Close className="ui-button plain icon" aria-label="Close">
              <X size={16} />
            </Dialog.Close>
          </header>
          <div className="help-groups">
            {keyGroups.map(({ name, keys }) => (
              <section key={name}>
                <h3>{name}</h3>
                <dl>
                  {keys.map((row) => (
                    <div key={row.does}>
                      <dt>
                        {row.keys.map((key) => (
                          <kbd key={key} className="ui-kbd">
                            {key}
                          </kbd>
                        ))}
                      </dt>
                      <dd>{row.does}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
