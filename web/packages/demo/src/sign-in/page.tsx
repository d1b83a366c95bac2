import { type ReactNode, useEffect, useRef } from 'react';
import { SignInForm } from './form.tsx';

/** The whole page, where nothing can be shown before somebody signs in. */
export function SignInPage(): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const before = document.title;
    document.title = 'Sign in · Dashwire';
    field.current?.focus();
    return () => {
      document.title = before;
    };
  }, []);
  return (
    <main className="sign-in">
      <section className="sign-in-card" aria-labelledby="sign-in-title">
        <h1 id="sign-in-title">Sign in</h1>
        <p>This server shows its dashboards to those it knows.</p>
        <SignInForm field={field} />
      </section>
    </main>
  );
}
