/** A real Chromium, and the people who look at the demo in it. */
import { readFile } from 'node:fs/promises';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

/** Chromium as Debian installs it; CHROMIUM names another. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb', '--font-render-hinting=none'],
  });
}

export interface WindowOptions {
  /** Of the window, in px; default 1280. */
  readonly width?: number;
  /** Default 800. */
  readonly height?: number;
  readonly dark?: boolean;
  readonly touch?: boolean;
  /** Without motion, which would blur what is photographed; default false. */
  readonly still?: boolean;
  /** Done with the window before the page is loaded in it. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** What the browser itself logs of servers that are down and of refusals that the page answers in words. */
const ofTheNetwork = /^Failed to load resource: (net::ERR_|the server responded)|^WebSocket connection to /;

/** Somebody with a browser profile of their own and one window. Everything that goes wrong in it is written down. */
export class Person {
  readonly name: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page threw, logged as an error, or was forbidden by its policy. */
  readonly errors: string[] = [];
  /** Dialogs of the browser that came up by themselves. */
  readonly dialogs: string[] = [];
  #loads = 0;

  private constructor(name: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.context = context;
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(error.stack ?? String(error)));
    page.on('crash', () => this.errors.push('the page crashed'));
    page.on('domcontentloaded', () => this.#loads++);
    page.on('dialog', (dialog) => {
      this.dialogs.push(`${dialog.type()}: ${dialog.message()}`);
      void dialog.accept();
    });
    page.on('console', (message) => {
      if (message.type() === 'error' && !ofTheNetwork.test(message.text())) this.errors.push(message.text());
    });
  }

  /** Opens a window at a place of the demo; on a server without sign-in as that user, '' = as somebody whom the page names. */
  static async open(browser: Browser, name: string, url: string, options: WindowOptions = {}): Promise<Person> {
    const context = await browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      colorScheme: options.dark ? 'dark' : 'light',
      hasTouch: options.touch ?? false,
      reducedMotion: options.still ? 'reduce' : 'no-preference',
      permissions: ['clipboard-read', 'clipboard-write'],
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    const page = await context.newPage();
    const person = new Person(name, context, page);
    const where = new URL(url);
    if (name !== '') where.searchParams.set('userId', name);
    await options.prepare?.(page);
    await page.goto(where.href);
    return person;
  }

  /** How often a document was loaded in this window. */
  get loads(): number {
    return this.#loads;
  }

  /** The word for how it stands with what one has changed. */
  get indicator(): Locator {
    return this.page.locator('.dw-sync').getByRole('status');
  }

  /** How many conflicts wait, in the bar; the way to them. */
  get counter(): Locator {
    return this.page
      .getByRole('banner')
      .getByRole('button', { name: /^Needs your decision/ })
      .first();
  }

  /** A tile by its title. */
  tile(title: string): Locator {
    return this.page
      .getByRole('group', { name: title, exact: true })
      .and(this.page.locator('[aria-roledescription="tile"]'));
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Opens the menu of the page and chooses one of its items. */
  async menu(
    item: string | RegExp,
    role: 'menuitem' | 'menuitemcheckbox' | 'menuitemradio' = 'menuitem',
  ): Promise<void> {
    await this.button('Menu').click();
    await this.page.getByRole(role, { name: item }).click();
  }

  /** Chooses what gives a file, and reads it. */
  async fileOf(item: string): Promise<string> {
    const coming = this.page.waitForEvent('download');
    await this.menu(item);
    return readFile(await (await coming).path(), 'utf8');
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
