import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'clock-port';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { until } from '../support/until.ts';
import { importCounter } from './counter-image.ts';

const HOST = 'debian:bookworm-slim';
const LIMIT_MS = 60_000;

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** Why no engine can be run in a container here; undefined: it can. It takes the programs of this machine, so that nothing has to be built. */
export function daemonMissing(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.env['DOCKER_HOST'] !== undefined) return 'needs the engine of this machine';
  if (process.getuid?.() !== 0) return 'needs root, for the socket of an engine in a container';
  for (const program of ['dockerd', 'containerd', 'runc', 'ip'])
    if (spawnSync('which', [program]).status !== 0) return `${program} is not on the PATH`;
  return undefined;
}

/** A Docker engine in a container, which can be restarted. Its containers are on the host's network stack: their addresses are reached from here. */
export class Daemon {
  readonly engine: Engine;
  readonly #folder = mkdtempSync(join(tmpdir(), 'docker-daemon-'));
  readonly #name = `streamspace-daemon-${randomBytes(4).toString('hex')}`;
  /** A bridge of its own, at most 15 characters. */
  readonly #bridge = `ss${randomBytes(4).toString('hex')}`;
  readonly #liveRestore: boolean;

  private constructor(liveRestore: boolean) {
    this.#liveRestore = liveRestore;
    this.engine = new Engine(engineAddress(`unix://${this.#socket}`, undefined), systemClock);
  }

  /** `liveRestore`: containers go on while the engine is away. `disk`: its size in MiB, where the engine may fill it. */
  static async start({ liveRestore = false, disk }: { liveRestore?: boolean; disk?: number }): Promise<Daemon> {
    const daemon = new Daemon(liveRestore);
    execFileSync('ip', ['link', 'add', 'name', daemon.#bridge, 'type', 'bridge']);
    execFileSync('ip', ['address', 'add', '198.51.100.1/24', 'dev', daemon.#bridge]);
    const mounts = ['-v', '/usr:/usr:ro', '-v', `${daemon.#folder}:/run/inner`];
    const storage = disk === undefined ? ['-v', '/var/lib/docker'] : ['--tmpfs', `/var/lib/docker:exec,size=${disk}m`];
    docker(
      'run',
      '-d',
      '--privileged',
      '--network',
      'host',
      '--name',
      daemon.#name,
      ...mounts,
      ...storage,
      HOST,
      'sleep',
      'infinity',
    );
    try {
      await daemon.up();
      importCounter(daemon.#socket);
      return daemon;
    } catch (error) {
      await daemon.close();
      throw error;
    }
  }

  get #socket(): string {
    return join(this.#folder, 'docker.sock');
  }

  /** Starts the engine, and waits until it answers. */
  async up(): Promise<void> {
    // never `--bridge none`: an engine that is told so removes docker0, which is this machine's
    const network = `--bridge ${this.#bridge} --iptables=false --ip-forward=false --ip-masq=false`;
    const place = `--host unix:///run/inner/docker.sock --exec-root /run/inner-exec --pidfile /run/inner.pid`;
    const dockerd = `exec dockerd ${place} ${network} --live-restore=${this.#liveRestore} >>/run/inner/log 2>&1`;
    docker('exec', '-d', this.#name, 'sh', '-c', dockerd);
    await until(
      async () => spawnSync('docker', ['-H', `unix://${this.#socket}`, 'version'], { stdio: 'ignore' }).status === 0,
      'the engine in a container answers',
      LIMIT_MS,
    );
  }

  /** Stops the engine as its service would be stopped, and waits until it is gone. */
  async down(): Promise<void> {
    docker('exec', this.#name, 'sh', '-c', 'kill $(cat /run/inner.pid)');
    const gone = ['exec', this.#name, 'sh', '-c', '! test -e /run/inner.pid'];
    await until(async () => spawnSync('docker', gone).status === 0, 'the engine ends', LIMIT_MS);
  }

  /** Fills its disk, until the returned function is called. */
  fillDisk(): () => void {
    const file = '/var/lib/docker/filled';
    // it ends when nothing is left
    spawnSync('docker', ['exec', this.#name, 'sh', '-c', `cat /dev/zero >${file}`]);
    return () => void docker('exec', this.#name, 'rm', file);
  }

  /** Removes it with all that it holds. */
  async close(): Promise<void> {
    const inner = (...args: string[]) =>
      spawnSync('docker', ['-H', `unix://${this.#socket}`, ...args], { encoding: 'utf8' });
    const containers = inner('ps', '-aq').stdout?.split('\n').filter(Boolean) ?? [];
    if (containers.length > 0) inner('rm', '-fv', ...containers);
    // its bridge would stay behind on this machine
    inner('network', 'prune', '-f');
    this.engine.close();
    docker('rm', '-fv', this.#name);
    spawnSync('ip', ['link', 'delete', this.#bridge]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
