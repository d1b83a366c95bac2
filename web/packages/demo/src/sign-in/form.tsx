import { useClient, useReadable } from '@dashwire/react';
import { type FormEvent, type ReactNode, type RefObject, useEffect, useId, useState } from 'react';
import { reload } from '../shell/reload.ts';
import { comeIn, handIn, signInOffer } from './session.ts';
import './sign-in.css';

interface SignInFormProps {
  readonly field: RefObject<HTMLInputElement | null>;
  /** What stands beside the button. */
  readonly children?: ReactNode;
}

/** Takes a token, and says how to get one. */
export function SignInForm({ field, children }: SignInFormProps): ReactNode {
  const client = useClient();
  const offer = useReadable(signInOffer);
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  useEffect(() => {
    if (problem !== null && !busy) field.current?.focus();
  }, [problem, busy, field]);
  if (offer?.cookie === false) return <NoCookie>{children}</NoCookie>;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const wrong = (await handIn(token)) ?? (await comeIn(client));
    setBusy(false);
    setProblem(wrong);
    if (wrong === null) setToken('');
  };
  return (
    <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
      <label htmlFor={id}>Token</label>
      <input
        ref={field}
        id={id}
        className="ui-input"
        type="password"
        value={token}
        autoComplete="off"
        spellCheck={false}
        required
        aria-describedby={`${id}-problem ${id}-how`}
        aria-invalid={problem !== null}
        onChange={(event) => setToken(event.target.value)}
      />
      <p id={`${id}-problem`} className="sign-in-problem" role="alert">
        {problem}
      </p>
      <p id={`${id}-how`} className="sign-in-how">
        Whoever runs this server makes one for you:
        <code>
          dashwire token <span>--secret-file F</span> <span>--user you</span> <span>--grant '*=editor'</span>
        </code>
        Your browser keeps it until it ends, where no script can read it.
      </p>
      <div className="sign-in-actions">
        {children}
        <button type="submit" className="ui-button main" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </div>
    </form>
  );
}

function NoCookie({ children }: { readonly children?: ReactNode }): ReactNode {
  return (
    <div className="sign-in-form">
      <p className="sign-in-how">
        This server lets programs in by their tokens, but no pages. Whoever runs it can change that: it is started with{' '}
        <code>--auth-cookie dashwire</code>.
      </p>
      <div className="sign-in-actions">
        {children}
        <button type="button" className="ui-button main" onClick={() => void reload()}>
          Try again
        </button>
      </div>
    </div>
  );
}
