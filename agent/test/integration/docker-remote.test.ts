import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { RecordContainers } from '../../src/sessions/docker/state/record-containers.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';
import { engineMissing } from './docker-place.ts';
import { BOX_MS, EngineBox } from './engine-box.ts';

/** By name alone, as it makes an engine of its own: ENGINE_REMOTE=all (needs Docker, openssl and an ssh client). */
const missing = process.env['ENGINE_REMOTE'] === 'all' ? engineMissing() : 'runs with ENGINE_REMOTE=all';
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);
const openssl = (words: string) => execFileSync('openssl', words.split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });

/** An authority `ca.pem` in the folder. */
function makeAuthority(folder: string): void {
  const made = `-keyout ${join(folder, 'ca-key.pem')} -out ${join(folder, 'ca.pem')}`;
  openssl(`req -x509 -newkey rsa:2048 -nodes -days 7 -subj /CN=authority ${made}`);
}

/** A key and a certificate `NAME.pem` by the authority of the folder. */
async function makeCertificate(folder: string, name: string, extension: string): Promise<void> {
  const file = (end: string) => join(folder, end);
  await writeFile(file('extension'), extension);
  openssl(`req -newkey rsa:2048 -nodes -subj /CN=${name} -keyout ${file(`${name}-key.pem`)} -out ${file('request')}`);
  const by = `-CAcreateserial -CA ${file('ca.pem')} -CAkey ${file('ca-key.pem')}`;
  openssl(`x509 -req -days 7 ${by} -in ${file('request')} -extfile ${file('extension')} -out ${file(`${name}.pem`)}`);
}

describe.skipIf(missing !== undefined)(`an engine elsewhere${missing ? `: ${missing}` : ''}`, () => {
  let box: EngineBox;
  let folder: string;
  let count = 0;
  const engines: Engine[] = [];
  const engine = (host: string, certificates?: string): Engine => {
    const one = new Engine(engineAddress(host, certificates), systemClock);
    engines.push(one);
    return one;
  };
  const refused = (one: Engine) => one.json('/info', {}, soon()).catch((error: unknown) => (error as Error).message);

  /** Writes, changes and reads a record: containers made, listed and removed there. */
  async function keepsRecords(one: Engine): Promise<void> {
    const agentId = `remote-${count++}`;
    const records = new RecordContainers({ agentId, engine: one, clock: systemClock, log: { info() {}, warn() {} } });
    const spec = desktopSpec(`${agentId}-session`);
    const draft = (current: Parameters<typeof records.draft>[1], commandId: string) =>
      records.draft(spec.id, current, { desired: 'running', spec, commandId, term: 1 });
    const first = await records.write(draft(undefined, 'first'), undefined, soon());
    const second = await records.write(draft(first, 'second'), first, soon());
    expect(await records.read(spec.id, soon())).toMatchObject({ commandId: 'second', version: 2, spec });
    await records.forget(second!, soon());
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'engine-remote-'));
    box = new EngineBox(['/var/lib/docker']);
    const shared = (name: string) => join(box.folder, name);
    makeAuthority(box.folder);
    await makeCertificate(box.folder, 'server', `subjectAltName=IP:${box.address}`);
    await makeCertificate(box.folder, 'client', 'extendedKeyUsage=clientAuth');
    await mkdir(shared('certificates'));
    for (const [from, to] of [
      ['ca', 'ca'],
      ['client', 'cert'],
      ['client-key', 'key'],
    ])
      await copyFile(shared(`${from}.pem`), join(box.folder, 'certificates', `${to}.pem`));
    box.start(
      'exec dockerd --iptables=false --bridge=none -H unix:///var/run/docker.sock -H unix:///shared/docker.sock -H tcp://0.0.0.0:2376 ' +
        '--tlsverify --tlscacert /shared/ca.pem --tlscert /shared/server.pem --tlskey /shared/server-key.pem',
    );
    // as an operator would set it up: a key, a user in the socket's group, the host's key known to ssh
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
    await copyFile(join(folder, 'key.pub'), shared('authorized'));
    box.run(
      'usermod -aG docker ada && install -d -o ada -m 700 ~ada/.ssh && install -o ada -m 600 /shared/authorized ~ada/.ssh/authorized_keys && ' +
        'mkdir -p /run/sshd && /usr/sbin/sshd && cp /etc/ssh/ssh_host_ed25519_key.pub /shared/host-key',
    );
    await until(() => existsSync(shared('docker.sock')), 'dockerd', LIMIT_MS);
  }, BOX_MS);
  afterAll(async () => {
    for (const one of engines) one.close();
    box?.remove();
    await rm(folder, { recursive: true, force: true });
  }, BOX_MS);

  it('tcp with TLS: certificates of DOCKER_CERT_PATH', () =>
    keepsRecords(engine(`tcp://${box.address}:2376`, join(box.folder, 'certificates'))));

  it('tcp with TLS: another authority than the engine’s', async () => {
    const other = join(folder, 'other');
    await mkdir(other);
    makeAuthority(other);
    await makeCertificate(other, 'client', 'extendedKeyUsage=clientAuth');
    await copyFile(join(other, 'client.pem'), join(other, 'cert.pem'));
    await copyFile(join(other, 'client-key.pem'), join(other, 'key.pem'));
    expect(await refused(engine(`tcp://${box.address}:2376`, other))).toMatch(
      /can’t be reached: .*DOCKER_CERT_PATH\/ca\.pem must be the authority of the engine’s certificate/,
    );
    // the engine's authority, and a certificate of another's
    await copyFile(join(box.folder, 'ca.pem'), join(other, 'ca.pem'));
    expect(await refused(engine(`tcp://${box.address}:2376`, other))).toMatch(
      /can’t be reached: .*DOCKER_CERT_PATH\/cert\.pem must be of the authority that the engine trusts/,
    );
  });

  it('tcp without TLS where the engine wants it', async () => {
    expect(await refused(engine(`tcp://${box.address}:2376`))).toMatch(
      /HTTP request to an HTTPS server. Set DOCKER_CERT_PATH/,
    );
  });

  it('ssh: by the system’s ssh, its keys and its known hosts', async () => {
    const host = `ada@${box.address}`;
    const before = process.env['PATH'];
    // what ~/.ssh/config would hold; the agent's own user has none here
    const options = (known: string) =>
      `-F none -i ${folder}/key -o IdentitiesOnly=yes -o UserKnownHostsFile=${folder}/${known}`;
    const ssh = execFileSync('which', ['ssh'], { encoding: 'utf8' }).trim();
    const useKnown = async (known: string) => {
      await writeFile(join(folder, 'ssh'), `#!/bin/sh\nexec ${ssh} ${options(known)} "$@"\n`);
      await chmod(join(folder, 'ssh'), 0o755);
    };
    process.env['PATH'] = `${folder}:${before}`;
    try {
      await writeFile(join(folder, 'unknown'), '');
      await useKnown('unknown');
      expect(await refused(engine(`ssh://${host}`))).toMatch(/ssh ada@.*Host key verification failed/);
      const key = execFileSync('cat', [join(box.folder, 'host-key')], { encoding: 'utf8' });
      await writeFile(join(folder, 'known'), `${box.address} ${key}`);
      await useKnown('known');
      await keepsRecords(engine(`ssh://${host}`));
      box.run('gpasswd -d ada docker');
      expect(await refused(engine(`ssh://${host}`))).toMatch(/permission denied/i);
      expect(await refused(engine(`ssh://nobody@${box.address}`))).toMatch(/ssh nobody@.*Permission denied/);
    } finally {
      process.env['PATH'] = before;
    }
  });
});
