// The dashboards of the Node peers: in memory, as a first version has them.

const boards = new Map();

/** The dashboard of this id, made when it is asked for first. */
export function boardOf(id) {
  let board = boards.get(id);
  if (!board) {
    board = { id, version: 0, widgets: {}, readers: new Set() };
    for (let i = 0; i < 20; i++) {
      board.widgets[`w${i}`] = { type: 'stat', title: `Widget ${i}`, config: { unit: 'short', decimals: 1 } };
    }
    boards.set(id, board);
  }
  return board;
}

/** What a reader gets first. */
export function snapshot(board) {
  return { type: 'subscribed', dashboardId: board.id, version: board.version, document: { widgets: board.widgets } };
}

/** Applies an edit and returns the entry that readers hear of. */
export function apply(board, edit) {
  Object.assign((board.widgets[edit.widgetId] ??= {}), edit.set);
  board.version++;
  return {
    type: 'entry',
    dashboardId: board.id,
    version: board.version,
    id: edit.id,
    timestamp: new Date().toISOString(),
    author: 'anonymous',
    widgetId: edit.widgetId,
    set: edit.set,
  };
}
