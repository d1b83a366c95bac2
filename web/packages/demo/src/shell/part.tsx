import { Component, type ReactNode, Suspense } from 'react';
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
    toast(`A part of the page failed: ${message}. Reload it: nothing is lost.`, {
      label: 'Reload',
      run: () => window.location.reload(),
    });
  }

  override render(): ReactNode {
    const { fallback, children } = this.props;
    return this.state.failed ? fallback : <Suspense fallback={fallback}>{children}</Suspense>;
  }
}
