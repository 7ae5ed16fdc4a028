import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerName } from '../../src/sessions/docker/objects/names.ts';
import { type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';

const missing = engineMissing();
const soon = () => AbortSignal.timeout(60_000);
const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: 'pipe' });

/** What a user of a session may try; prints for each whether the kernel refused it. The arguments: a neighbour's address, the engine's host. */
const ATTACKS = `
import ctypes, json, os, socket, stat, subprocess, sys
neighbour, host = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
def run(*command):
    try: done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except FileNotFoundError: raise RuntimeError(command[0] + ' is missing, so this was not tried')
    if done.returncode != 0: raise OSError(done.stderr.strip())
def call(name, *args):
    if getattr(libc, name)(*args) != 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def write(path): os.close(os.open(path, os.O_WRONLY))
def read(path):
    with open(path, 'rb') as file:
        if file.read(1) == b'': raise OSError('empty')
def reach(address, port): socket.create_connection((address, port), 1).close()
def engine():
    for path in ['/var/run/docker.sock', '/run/docker.sock', '/run/podman/podman.sock', '/run/containerd/containerd.sock']:
        with socket.socket(socket.AF_UNIX) as one:
            try: one.connect(path)
            except OSError: continue
            return
    raise OSError('no socket')
attacks = {
    'mount a file system': lambda: run('mount', '-t', 'tmpfs', 'x', '/mnt'),
    'mount it in a user namespace': lambda: run('unshare', '-Urm', 'mount', '-t', 'tmpfs', 'x', '/mnt'),
    'enter the namespaces of pid 1': lambda: run('nsenter', '-t', '1', '-m', '-n', 'true'),
    'change its root': lambda: os.chroot('/tmp'),
    'a raw socket': lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    'a packet socket': lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)),
    'a device of memory': lambda: os.mknod('/tmp/mem', stat.S_IFCHR | 0o666, os.makedev(1, 1)),
    'become root': lambda: os.setuid(0),
    'be root by a set-uid program': lambda: run('su', '-c', 'true'),
    'the host name': lambda: call('sethostname', b'x', 1),
    'memory of the kernel': lambda: read('/proc/kcore'),
    'log of the kernel': lambda: run('dmesg'),
    'sysrq': lambda: write('/proc/sysrq-trigger'),
    'settings of the kernel': lambda: write('/proc/sys/kernel/core_pattern'),
    'its own cgroup': lambda: write(next(path for path in ['/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/pids/cgroup.procs', '/none'] if path == '/none' or os.path.exists(path))),
    'its own image': lambda: write('/usr/bin/env'),
    'the engine by its socket': engine,
    'the engine by its port': lambda: reach(host, 2375),
    'the screen of another session': lambda: reach(neighbour, 5900),
}
results = {}
for name, attack in attacks.items():
    try:
        attack()
        results[name] = 'done'
    except (OSError, subprocess.TimeoutExpired): results[name] = 'refused'
print(json.dumps(results))
`;

/** Forks until it is refused, prints how often that went well, and ends them all. */
const FORKS = `
import os, signal
children = []
try:
    while len(children) < 10000:
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        children.append(child)
except BlockingIOError: pass
for child in children: os.kill(child, signal.SIGKILL)
for child in children: os.waitpid(child, 0)
print(len(children))
`;

interface Inspected {
  readonly HostConfig: Record<string, unknown>;
  readonly Config: { readonly User: string };
  readonly NetworkSettings: {
    readonly Ports: object;
    readonly Networks: Record<string, { readonly IPAddress: string; readonly Gateway: string }>;
  };
}

describe.skipIf(missing !== undefined)(`what a docker session can do${missing ? `: ${missing}` : ''}`, () => {
  let place: DockerPlace;
  const [one, two] = ['one', 'two'].map((name) => desktopSpec(`inside-${process.pid}-${name}`, { memory: 2e9 })) as [
    ReturnType<typeof desktopSpec>,
    ReturnType<typeof desktopSpec>,
  ];
  let commands = 0;
  const op = () => ({ commandId: `command-${commands++}`, term: 1, signal: soon() });
  const inside = (id: string, ...command: string[]) => docker('exec', containerName(id, 1), ...command).trim();
  const inspected = (id: string) => (JSON.parse(docker('inspect', containerName(id, 1))) as [Inspected])[0];

  beforeAll(async () => {
    ensureDesktop();
    place = await dockerPlace({ byAddress: true });
    const driver = place.makeDriver();
    await Promise.all([driver.create(one, op()), driver.create(two, op())]);
  }, 900_000);
  afterAll(async () => {
    for (const { id } of [one, two]) await place?.makeDriver().delete(id, { deleteHome: true }, op());
    await place?.cleanup();
  });

  it('as the engine shows it: limits, no privileges, no port on the host', () => {
    const { HostConfig, Config, NetworkSettings } = inspected(one.id);
    expect(HostConfig).toMatchObject({
      Privileged: false,
      CapAdd: null,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Binds: null,
      Devices: [],
      Init: true,
      PidMode: '',
      UsernsMode: '',
      PidsLimit: 4096,
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      ShmSize: 512 * 2 ** 20,
      Memory: 2e9,
      MemorySwap: 2e9,
      NanoCpus: 5e8,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
    });
    expect(['private', 'shareable']).toContain(HostConfig['IpcMode']);
    expect(Config.User).toBe('1000:1000');
    expect(Object.values(NetworkSettings.Ports).filter((published) => published !== null)).toEqual([]);
  });

  it('as its own processes see it: no capability, filtered system calls, an init, nobody else’s processes', () => {
    const status = inside(one.id, 'cat', '/proc/self/status');
    for (const line of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`${line}:\\s+0+\\n`));
    expect(status).toMatch(/NoNewPrivs:\s+1\n/);
    expect(status).toMatch(/Seccomp:\s+2\n/);
    expect(inside(one.id, 'cat', '/proc/1/comm')).toMatch(/init|tini/);
    expect(inside(one.id, 'bash', '-c', 'ulimit -c')).toBe('0');
    // each process that it sees is of its own session
    const others = inside(
      one.id,
      'bash',
      '-c',
      'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep ^SESSION_ID= | sort -u',
    );
    expect(others).toBe(`SESSION_ID=${one.id}`);
  });

  it('is refused whatever leads out of it', () => {
    const [neighbour] = Object.values(inspected(two.id).NetworkSettings.Networks);
    const { IPAddress, Gateway } = neighbour!;
    const results = JSON.parse(inside(one.id, 'python3', '-c', ATTACKS, IPAddress, Gateway)) as Record<string, string>;
    expect(Object.keys(results).length).toBeGreaterThan(15);
    expect(Object.entries(results).filter(([, result]) => result !== 'refused')).toEqual([]);
    // the neighbour's screen answers itself
    expect(inside(two.id, 'bash', '-c', `exec 3<>/dev/tcp/${IPAddress}/5900 && head -c 3 <&3`)).toBe('RFB');
  });

  it('a fork bomb ends at the limit of processes, and its neighbour lives', async () => {
    const made = Number(inside(one.id, 'python3', '-c', FORKS));
    expect(made).toBeGreaterThan(1_000);
    expect(made).toBeLessThan(4_096);
    const states = (await place.makeDriver().list(soon())).map(({ state }) => state);
    expect(states).toEqual(['running', 'running']);
  });
});
