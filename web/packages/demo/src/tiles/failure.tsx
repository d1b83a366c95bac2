import { Component, type ReactNode } from 'react';

interface Props {
  /** Another one starts afresh: a widget that was changed may be drawn again. */
  readonly of: unknown;
  readonly children: ReactNode;
}

interface State {
  readonly error: Error | null;
  readonly of: unknown;
}

/** Keeps a widget that cannot be drawn from taking the page with it. */
export class Failure extends Component<Props, State> {
  override state: State = { error: null, of: this.props.of };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps({ of }: Props, state: State): Partial<State> | null {
    return of === state.of ? null : { of, error: null };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="kind kind-failed" role="alert">
        <p>
          <strong>This tile cannot be drawn.</strong> {error.message}
        </p>
        <p>What it holds is safe. Change it in its settings, or undo the last change.</p>
      </div>
    );
  }
}
