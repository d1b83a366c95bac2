import { Component, type ErrorInfo, type ReactNode, useEffect, useRef } from 'react';
import { useTexts } from '../hooks/useTexts.ts';
import { useWidget } from '../hooks/useWidget.ts';
import { Icon } from './icon.tsx';

export type RenderError = (error: Error, retry: () => void) => ReactNode;

export interface ErrorBoundaryProps {
  readonly widgetId: string;
  readonly renderError?: RenderError;
  readonly onError?: (error: Error, info: ErrorInfo) => void;
  readonly children?: ReactNode;
}

/** Keeps a widget that fails from taking the dashboard with it. Tries again when asked to, and when the widget is changed by anybody. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(thrown: unknown): { readonly error: Error } {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  override componentDidCatch(_: unknown, info: ErrorInfo): void {
    if (this.state.error !== null) this.props.onError?.(this.state.error, info);
  }

  readonly #retry = (): void => this.setState({ error: null });

  override render(): ReactNode {
    const { widgetId, renderError, children } = this.props;
    const { error } = this.state;
    if (error === null) return children;
    return (
      <>
        <RetryOnChange widgetId={widgetId} retry={this.#retry} />
        {renderError === undefined ? <Failure error={error} retry={this.#retry} /> : renderError(error, this.#retry)}
      </>
    );
  }
}

function Failure({ error, retry }: { readonly error: Error; readonly retry: () => void }): ReactNode {
  const texts = useTexts();
  return (
    <div className="dw-failure" role="alert">
      <strong>
        <Icon shape="diamond" /> {texts.widgetFailed}
      </strong>
      <bdi className="dw-detail">{error.message}</bdi>
      <button type="button" className="dw-button" onClick={retry}>
        {texts.tryAgain}
      </button>
    </div>
  );
}

function RetryOnChange({ widgetId, retry }: { readonly widgetId: string; readonly retry: () => void }): ReactNode {
  const [widget] = useWidget(widgetId);
  const failed = useRef(widget);
  useEffect(() => {
    if (failed.current !== widget) retry();
  }, [widget, retry]);
  return null;
}
