// Node with ws in the obvious design: one JSON.stringify an edit, one send a client.
//
//   node ws.js PORT

import { WebSocketServer } from 'ws';
import { apply, boardOf, snapshot } from './board.js';

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) });

server.on('connection', (socket) => {
  const followed = new Set();
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    const board = boardOf(message.dashboardId);
    if (message.type === 'subscribe') {
      followed.add(board);
      board.readers.add(socket);
      socket.send(JSON.stringify(snapshot(board)));
      return;
    }
    const entry = apply(board, message);
    const text = JSON.stringify(entry);
    for (const reader of board.readers) reader.send(text);
    socket.send(JSON.stringify({ type: 'ack', id: message.id, version: entry.version }));
  });
  socket.on('close', () => {
    for (const board of followed) board.readers.delete(socket);
  });
  socket.on('error', () => socket.terminate());
});
