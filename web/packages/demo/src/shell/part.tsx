import { canReload } from '@dashwire/react';
import { Component, type ReactNode, Suspense } from 'react';
import { reloading } from './reload.ts';
import { toast } from './toasts.ts';

interface PartProps {
  /** Until it is here, and if it fails. */
  readonly fallback?: ReactNode;
  readonly children: ReactNode;
}

/** Around what is fetched later. If it fails the page stays in use without it, and says so. */
export class Part extends Component<PartProps, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const failed = `A part of the page failed: ${message}.`;
    void canReload().then((there) => {
      if (there) toast(`${failed} Reload the page: nothing is lost.`, reloading);
      else toast(`${failed} Reload the page once you are connected again: nothing is lost.`);
    });
  }

  override render(): ReactNode {
    const { fallback, children } = this.props;
    return this.state.failed ? fallback : <Suspense fallback={fallback}>{children}</Suspense>;
  }
}
