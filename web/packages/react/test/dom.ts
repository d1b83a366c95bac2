/**
 * A document for tests that talk to a real server: they run in the `node` environment, whose network is the real one, and
 * import this before everything that looks for a document.
 */
import { Window } from 'happy-dom';

const window = new Window({ url: 'http://localhost/' });
const { document, Node, HTMLElement, HTMLInputElement, Element } = window;
Object.assign(globalThis, { window, document, Node, HTMLElement, HTMLInputElement, Element });
