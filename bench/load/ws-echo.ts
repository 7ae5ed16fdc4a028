// The comparison for the hub's routing: the `ws` package alone, which sends back every frame. Prints its port.
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (ws) => {
  ws.on('error', () => ws.terminate());
  ws.on('message', (data, binary) => ws.send(data as Buffer, { binary }));
});
server.on('listening', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.on('SIGTERM', () => process.exit(0));
