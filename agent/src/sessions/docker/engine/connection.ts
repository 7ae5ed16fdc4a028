import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { EngineAddress } from './address.ts';

/** Requests at once; the others wait. An engine serializes much by itself. */
const MAX_SOCKETS = 32;
/** Of what ssh says when it ends, characters. */
const WORDS_LIMIT = 1_024;

/** Connections to an engine, kept for the next request. */
export function connectionsTo(address: EngineAddress): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 4 });
  // the socket may be any Duplex: HTTP/1.1 asks no more of it
  agent.createConnection = () => open(address) as ReturnType<Agent['createConnection']>;
  return agent;
}

function open(address: EngineAddress): Duplex {
  if (address.kind === 'unix') return connect({ path: address.path });
  if (address.kind === 'ssh') return overSsh(address);
  const { host, port, tls } = address;
  return tls === undefined ? connect({ host, port }) : connectTls({ host, port, servername: host, ...tls });
}

/** As the docker command does it: its own `dial-stdio` on the other machine carries the bytes. Keys and hosts are ssh's business. */
function overSsh({ destination, port }: Extract<EngineAddress, { kind: 'ssh' }>): Duplex {
  const options = [
    '-o',
    'BatchMode=yes',
    '-o',
    'ConnectTimeout=10',
    ...(port === undefined ? [] : ['-p', String(port)]),
  ];
  const child = spawn('ssh', [...options, '--', destination, 'docker', 'system', 'dial-stdio'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-WORDS_LIMIT);
  });
  child.on('error', (error) => stream.destroy(error));
  child.on('exit', (code) => {
    if (code !== 0) stream.destroy(new Error(`ssh ${destination}: ${words.trim() || `ended with exit code ${code}`}`));
  });
  stream.on('close', () => child.kill());
  return Object.assign(stream, {
    // http asks these of a socket
    setKeepAlive: () => stream,
    setNoDelay: () => stream,
    setTimeout: () => stream,
    ref: () => stream,
    unref: () => stream,
  });
}
