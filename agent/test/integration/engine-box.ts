import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const IMAGE = 'streamspace-test/engines:1';
const HOST = 'unix:///var/run/docker.sock';
const FOLDER = fileURLToPath(new URL('../support/engine-box', import.meta.url));
/** A build with its Debian packages, milliseconds. */
export const BOX_MS = 900_000;

/** The machine's engine, whatever DOCKER_HOST says. */
function docker(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('docker', ['-H', HOST, ...args], {
    maxBuffer: 1 << 26,
    timeout: BOX_MS,
  });
  if (error !== undefined || status !== 0)
    throw new Error(`docker ${args.join(' ')}: ${error?.message ?? stderr.toString()}`);
  return stdout.toString();
}

/** A privileged container in which other engines run, with a folder that it shares with the test (`/shared`). */
export class EngineBox {
  readonly name = `engine-box-${randomBytes(4).toString('hex')}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'engine-box-'));

  /** `volumes`: folders in which its engines keep containers: they can't be on an overlay. */
  constructor(volumes: readonly string[]) {
    docker(['build', '-q', '-t', IMAGE, FOLDER]);
    const more = [`${this.folder}:/shared`, ...volumes].flatMap((volume) => ['-v', volume]);
    docker(['network', 'create', this.name]);
    docker([
      'run',
      '-d',
      '--privileged',
      '--network',
      this.name,
      '--name',
      this.name,
      ...more,
      IMAGE,
      'sleep',
      'infinity',
    ]);
  }

  run(script: string): string {
    return docker(['exec', this.name, 'bash', '-c', script]);
  }

  /** Runs it in the background; what it says is in the file `log` of the folder. */
  start(script: string): void {
    docker(['exec', '-d', this.name, 'bash', '-c', `(${script}) >>/shared/log 2>&1`]);
  }

  get address(): string {
    return docker(['inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', this.name]).trim();
  }

  /** Gives its engine an image of the machine's, by a command that reads an archive. */
  load(image: string, command: string): void {
    execFileSync(
      'bash',
      ['-c', `docker -H ${HOST} save ${image} | docker -H ${HOST} exec -i ${this.name} ${command}`],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: BOX_MS,
      },
    );
  }

  remove(): void {
    docker(['exec', this.name, 'chmod', '-R', 'a+rwX', '/shared']);
    docker(['rm', '-f', '-v', this.name]);
    docker(['network', 'rm', this.name]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
