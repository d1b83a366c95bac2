import { lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import { createElement, Fragment, type ReactNode, useMemo } from 'react';

/**
 * Markdown as React elements, made of the lexer's tokens: no text of anybody ever becomes HTML, so there is nothing to
 * sanitise, and the page's policy of Trusted Types holds. HTML in the text is shown as it is written.
 */
export function Markdown({ text }: { readonly text: string }): ReactNode {
  return useMemo(() => render(text), [text]);
}

/** What is beyond is cut off: nobody reads it on a tile, and it would hold up the page. */
const longest = 50_000;
/** Quotes in quotes in quotes. */
const deepest = 16;

function render(text: string): ReactNode {
  const cut = text.length > longest;
  const source = cut ? text.slice(0, longest) : text;
  let content: ReactNode;
  try {
    content = all(lexer(source, { gfm: true, breaks: true }), 0);
  } catch {
    content = <pre>{source}</pre>; // nested beyond what the lexer can take
  }
  if (!cut) return content;
  return (
    <>
      {content}
      <p className="kind-note">The text goes on: only its first {longest} characters are shown.</p>
    </>
  );
}

/** Where a link may lead; undefined = nowhere. */
export function safeHref(href: string): string | undefined {
  try {
    const { protocol } = new URL(href.trim(), document.baseURI);
    const absolute = /^[a-z][a-z\d+.-]*:/i.test(href.trim());
    if (protocol === 'mailto:') return absolute ? href.trim() : undefined;
    return protocol === 'http:' || protocol === 'https:' ? href.trim() : undefined;
  } catch {
    return undefined;
  }
}

function all(tokens: readonly Token[] | undefined, depth: number): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no names, and nothing made of them keeps a state
  return tokens?.map((token, i) => <Fragment key={i}>{one(token as MarkedToken, depth)}</Fragment>);
}

function one(token: MarkedToken, depth: number): ReactNode {
  if (depth > deepest) return token.raw;
  const inner = () => all((token as { tokens?: Token[] }).tokens, depth + 1);
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading':
      // The tile has a heading of its own above it.
      return createElement(`h${Math.min(6, token.depth + 2)}`, { className: `kind-h${token.depth}` }, inner());
    case 'paragraph':
      return <p>{inner()}</p>;
    case 'blockquote':
      return <blockquote>{inner()}</blockquote>;
    case 'code':
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case 'hr':
      return <hr />;
    case 'list':
      return list(token, depth);
    case 'table':
      return table(token, depth);
    case 'strong':
      return <strong>{inner()}</strong>;
    case 'em':
      return <em>{inner()}</em>;
    case 'del':
      return <del>{inner()}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return link(token.href, token.title, inner());
    case 'image':
      // The policy lets no picture of another place in: what it shows is said, and where it is.
      return link(token.href, token.title, token.text || token.href);
    case 'checkbox':
      return <input type="checkbox" checked={token.checked} disabled aria-label={token.checked ? 'done' : 'open'} />;
    case 'text':
      return token.tokens ? inner() : entities(token.text);
    case 'escape':
      return entities(token.text);
    default:
      return (token as Token).raw;
  }
}

function link(href: string, title: string | null | undefined, content: ReactNode): ReactNode {
  const to = safeHref(entities(href));
  if (to === undefined) return <span className="kind-dead">{content}</span>;
  const here = to.startsWith('#'); // another dashboard
  return (
    <a
      href={to}
      title={title ?? undefined}
      target={here ? undefined : '_blank'}
      rel={here ? undefined : 'noopener noreferrer nofollow'}
    >
      {content}
    </a>
  );
}

function list(token: Tokens.List, depth: number): ReactNode {
  const items = token.items.map((item, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: as above
    <li key={i} className={item.task ? 'kind-task' : undefined}>
      {all(item.tokens, depth + 1)}
    </li>
  ));
  return token.ordered ? <ol start={token.start === '' ? 1 : token.start}>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table, depth: number): ReactNode {
  const cells = (row: Tokens.TableCell[], as: 'th' | 'td') =>
    row.map((cell, i) =>
      createElement(
        as,
        { key: i, className: cell.align ? `kind-${cell.align}` : undefined },
        all(cell.tokens, depth + 1),
      ),
    );
  return (
    <table>
      <thead>
        <tr>{cells(token.header, 'th')}</tr>
      </thead>
      <tbody>
        {token.rows.map((row, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <tr key={i}>{cells(row, 'td')}</tr>
        ))}
      </tbody>
    </table>
  );
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  reg: '®',
  trade: '™',
  deg: '°',
  micro: 'µ',
  middot: '·',
  bull: '•',
  hellip: '…',
  ndash: '–',
  mdash: '—',
  larr: '←',
  uarr: '↑',
  rarr: '→',
  darr: '↓',
  times: '×',
  euro: '€',
};

/** The lexer leaves `&amp;` and the like to the browser, which reads none here. */
function entities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (all, decimal, hex, name) => {
    if (name) return Object.hasOwn(named, name) ? (named[name] ?? all) : all;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : all;
  });
}
