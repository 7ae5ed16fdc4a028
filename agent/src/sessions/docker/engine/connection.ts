import { Agent } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { EngineAddress } from './address.ts';
import { SshStream } from './ssh.ts';

/** Requests at once; the others wait. An engine serializes much by itself. */
const MAX_SOCKETS = 32;

/** Connections to an engine, kept for the next request. */
export function connectionsTo(address: EngineAddress): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 4 });
  // the socket may be any Duplex: HTTP/1.1 asks no more of it
  agent.createConnection = () => open(address) as ReturnType<Agent['createConnection']>;
  return agent;
}

function open(address: EngineAddress): Duplex {
  if (address.kind === 'unix') return connect({ path: address.path });
  if (address.kind === 'ssh') return new SshStream(address);
  const { host, port, tls } = address;
  return tls === undefined ? connect({ host, port }) : connectTls({ host, port, servername: host, ...tls });
}
