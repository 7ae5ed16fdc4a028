import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { EngineAddress } from './address.ts';

/** Of what ssh says when it ends, characters. */
const WORDS_LIMIT = 1_024;
const OPTIONS = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'];

/**
 * A connection to an engine by the system's ssh, as the docker command makes it: its own `dial-stdio` on the other machine carries the bytes. Keys
 * and hosts are ssh's business. It ends with ssh, and with what ssh said if that failed.
 */
export class SshStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor({ destination, port }: Extract<EngineAddress, { kind: 'ssh' }>) {
    super({ allowHalfOpen: false });
    const options = port === undefined ? OPTIONS : [...OPTIONS, '-p', String(port)];
    const child = spawn('ssh', [...options, '--', destination, 'docker', 'system', 'dial-stdio'], { stdio: 'pipe' });
    this.#child = child;
    let words = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-WORDS_LIMIT);
    });
    // its end says why
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.destroy(error));
    child.on('close', (code) => {
      if (code === 0) this.push(null);
      else this.destroy(new Error(`ssh ${destination}: ${words.trim() || `ended with exit code ${code}`}`));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  // http asks these of a socket
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
