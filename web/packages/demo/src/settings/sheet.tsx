import { X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import './sheet.css';

interface SheetProps {
  readonly name: string;
  readonly title: ReactNode;
  readonly className?: string;
  readonly onClose: () => void;
  readonly footer?: ReactNode;
  readonly children: ReactNode;
}

/**
 * A sheet at the side that leaves the page in use. It takes the focus when it opens, `data-first` first, and gives it back
 * where it came from; Escape closes it.
 */
export function Sheet({ name, title, className = '', onClose, footer, children }: SheetProps): ReactNode {
  const sheet = useRef<HTMLElement>(null);
  const heading = useId();

  useLayoutEffect(() => {
    const before = document.activeElement;
    const own = sheet.current;
    const first = own?.querySelector<HTMLElement>('[data-first]') ?? own;
    first?.focus({ preventScroll: true });
    return () => {
      // Only if nobody has taken it elsewhere meanwhile.
      const { activeElement } = document;
      const lost = activeElement === null || activeElement === document.body || own?.contains(activeElement);
      if (!lost || !(before instanceof HTMLElement) || !before.isConnected) return;
      before.focus({ preventScroll: true });
      // A button that shows only while its tile has the focus takes none: then the tile.
      if (document.activeElement === before) return;
      before.closest('[data-tile]')?.querySelector<HTMLElement>('[tabindex]')?.focus({ preventScroll: true });
    };
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onClose();
  };
  return (
    <aside
      ref={sheet}
      className={`sheet ${className}`}
      data-sheet={name}
      aria-labelledby={heading}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <header className="sheet-header">
        <h2 id={heading}>{title}</h2>
        <button type="button" className="ui-button plain icon" aria-label="Close" title="Close (Esc)" onClick={onClose}>
          <X size={16} />
        </button>
      </header>
      <div className="sheet-body">{children}</div>
      {footer && <footer className="sheet-footer">{footer}</footer>}
    </aside>
  );
}
