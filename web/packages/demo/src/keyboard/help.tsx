import type { ReactNode } from 'react';
import { Modal } from '../shell/modal.tsx';
import './help.css';
import { keyGroups } from './keys.ts';

/** The list of all keys. */
export function KeyboardHelp({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }): ReactNode {
  return (
    <Modal title="Keys" className="help" open={open} onClose={onClose}>
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
    </Modal>
  );
}
