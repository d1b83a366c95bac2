// Socket.IO with the WebSocket transport alone; dashboards are its rooms.
//
//   node socketio.js PORT

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { apply, boardOf, snapshot } from './board.js';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false });

io.on('connection', (socket) => {
  socket.on('subscribe', (message, reply) => {
    const board = boardOf(message.dashboardId);
    socket.join(board.id);
    reply(snapshot(board));
  });
  socket.on('edit', (message, reply) => {
    const board = boardOf(message.dashboardId);
    const entry = apply(board, message);
    io.to(board.id).emit('entry', entry);
    reply({ type: 'ack', id: message.id, version: entry.version });
  });
});

http.listen(Number(process.argv[2]), '127.0.0.1');
