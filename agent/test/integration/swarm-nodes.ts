import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { systemClock } from 'clock-port';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { COUNTER_IMAGE, importCounter } from './counter-image.ts';
import { daemonMissing } from './docker-daemon.ts';

const HOST = 'debian:bookworm-slim';
const LIMIT_MS = 60_000;
/** Programs of a session's image besides Node: what a relay and the emptying of a home need. */
const TOOLS = ['sh', 'bash', 'cat', 'find', 'sleep', 'id'];

function docker(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('docker', args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: LIMIT_MS,
  });
  if (error !== undefined || status !== 0) throw new Error(`docker ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout.trim();
}

/** Why no swarm can be made in containers here; undefined: it can. */
export function swarmMissing(): string | undefined {
  const missing = daemonMissing();
  if (missing !== undefined) return missing;
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status !== 0) return 'no Docker engine answers';
  for (const program of ['iptables', 'nsenter'])
    if (spawnSync('which', [program]).status !== 0) return `${program} is not on the PATH`;
  return undefined;
}

/** One Docker engine in a container, a node of a swarm. All nodes share the folder `/shared`. */
export class SwarmNode {
  readonly engine: Engine;
  readonly container: string;
  readonly socket: string;
  readonly #folder: string;
  #id: string | undefined;

  constructor(name: string, folder: string) {
    this.container = name;
    this.#folder = join(folder, name);
    this.socket = join(this.#folder, 'docker.sock');
    this.engine = new Engine(engineAddress(`unix://${this.socket}`, undefined), systemClock);
    mkdirSync(this.#folder);
    const files = ['-v', `${this.#folder}:/run/inner`, '-v', `${folder}/shared:/shared`, '-v', '/var/lib/docker'];
    // the programs of this machine, so that nothing has to be built
    const programs = ['-v', '/usr:/usr:ro', '-v', '/etc/alternatives:/etc/alternatives:ro'];
    docker('run', '-d', '--privileged', '--name', name, '--hostname', name, ...files, ...programs, HOST, 'sleep', '1d');
    const dockerd =
      'exec dockerd --host unix:///run/inner/docker.sock --exec-root /run/inner-exec >/run/inner/log 2>&1';
    docker('exec', '-d', '-e', 'DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1', name, 'sh', '-c', dockerd);
  }

  async ready(): Promise<void> {
    const answers = () =>
      spawnSync('docker', ['-H', `unix://${this.socket}`, 'version'], { stdio: 'ignore' }).status === 0;
    await until(answers, `the engine of ${this.container} answers`, LIMIT_MS);
    importCounter(this.socket, TOOLS);
  }

  /** An image of that name with another program. */
  variant(image: string, program: readonly string[]): void {
    const id = this.docker('create', COUNTER_IMAGE);
    this.docker('commit', '--change', `ENTRYPOINT ${JSON.stringify(program)}`, id, image);
    this.docker('rm', id);
  }

  /** Its id in the swarm. */
  get id(): string {
    return (this.#id ??= this.docker('info', '-f', '{{.Swarm.NodeID}}'));
  }

  /** The docker command on this node. */
  docker(...args: string[]): string {
    return docker('-H', `unix://${this.socket}`, ...args);
  }

  get address(): string {
    return docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', this.container);
  }

  /** A connection from the network of a container on this node, as a program in that container would make it. */
  dial(from: string, address: string, port: number): Duplex {
    const relay = 'exec 3<>"/dev/tcp/$0/$1" || exit 1; cat <&3 & cat >&3; kill $!';
    const enter = ['nsenter', '-t', from, '-n', 'bash', '-c', relay, address, String(port)];
    const child = spawn('docker', ['exec', '-i', this.container, ...enter], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined);
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    stream.on('close', () => child.kill());
    return stream;
  }

  /** A container in the network, in the place of an agent; its process. */
  seat(network: string): string {
    const id = this.docker('run', '-d', '--network', network, '--entrypoint', 'sleep', COUNTER_IMAGE, '1d');
    return this.docker('inspect', '-f', '{{.State.Pid}}', id);
  }

  /** As by a loss of power. */
  kill(): void {
    docker('kill', this.container);
  }

  remove(): void {
    this.engine.close();
    docker('rm', '-fv', this.container);
  }
}

/** A swarm of engines in containers; the first is its manager. */
export class Swarm {
  readonly nodes: readonly SwarmNode[];
  readonly #folder: string;

  private constructor(nodes: readonly SwarmNode[], folder: string) {
    this.nodes = nodes;
    this.#folder = folder;
  }

  static async make(size: number): Promise<Swarm> {
    const folder = mkdtempSync(join(tmpdir(), 'swarm-'));
    mkdirSync(join(folder, 'shared'));
    const run = randomBytes(3).toString('hex');
    const nodes: SwarmNode[] = [];
    const swarm = new Swarm(nodes, folder);
    try {
      for (let each = 0; each < size; each++) nodes.push(new SwarmNode(`streamspace-swarm-${run}-${each}`, folder));
      for (const node of nodes) await node.ready();
      const [manager, ...workers] = nodes as [SwarmNode, ...SwarmNode[]];
      // so that a lost node is known soon
      manager.docker('swarm', 'init', '--advertise-addr', manager.address, '--dispatcher-heartbeat', '1s');
      const token = manager.docker('swarm', 'join-token', '-q', 'worker');
      for (const worker of workers) worker.docker('swarm', 'join', '--token', token, `${manager.address}:2377`);
      // one that is lost can't be asked later
      for (const node of nodes) expect(node.id).not.toBe('');
      return swarm;
    } catch (error) {
      swarm.remove();
      throw error;
    }
  }

  get manager(): SwarmNode {
    return this.nodes[0]!;
  }

  /** The folder that all nodes have as `/shared`. */
  get shared(): string {
    return join(this.#folder, 'shared');
  }

  remove(): void {
    for (const node of this.nodes) node.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
