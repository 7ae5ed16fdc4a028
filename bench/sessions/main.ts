// npm run bench:sessions [-- --quick]
// The agent's costs of a session on Kubernetes: on a real API server with a stand-in for the kubelet, and, with kind,
// the path of a screen's bytes. Prints a table, and with --update writes it to docs/bench-sessions.md.
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { kubernetesPlace } from '../../agent/test/integration/kubernetes-place.ts';
import { distribution } from '../load/statistics.ts';
import type { Claimed, Created, State } from './agent.ts';
import { AgentProcess } from './agent-process.ts';
import { screenPaths } from './screen-paths.ts';

const quick = process.argv.includes('--quick');
const say = (text: string) => process.stderr.write(`${text}\n`);
const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const rows: string[][] = [];

async function driverPart(): Promise<void> {
  const missing = kubeApiserverMissing();
  if (missing !== undefined) {
    say(`Not run here: agent overhead (${missing})`);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const server = await KubeApiserver.start();
  const place = await kubernetesPlace(server, 'bench');
  place.kubelet.stampReady = true;
  const path = join(folder, 'kubeconfig');
  writeFileSync(path, server.kubeconfig('bench'), { mode: 0o600 });
  const agent = await AgentProcess.start(path, 'bench');
  let count = 0;
  const ids = (n: number) => Array.from({ length: n }, () => `bench-${count++}`);
  try {
    await agent.ask<Created>({ create: ids(5) });
    const one: Created = { podMade: [], running: [] };
    for (let i = 0; i < (quick ? 20 : 200); i++) {
      const { podMade, running } = await agent.ask<Created>({ create: ids(1) });
      one.podMade.push(...podMade);
      one.running.push(...running);
    }
    const fifty = await agent.ask<Created>({ create: ids(50) });
    for (const [what, samples] of [
      ['command → pod created, one at a time', one.podMade],
      ['pod ready → session running, one at a time', one.running],
      ['command → pod created, 50 at once', fifty.podMade],
    ] as const) {
      const { n, p50, p99, max } = distribution(samples);
      rows.push([what, `p50 ${ms(p50)} ms, p99 ${ms(p99)} ms, max ${ms(max)} ms (n = ${n})`]);
    }
    const goal = quick ? 100 : 500;
    while (count < goal) await agent.ask<Created>({ create: ids(Math.min(20, goal - count)) });
    const before = await agent.ask<State>({ state: true });
    const idle = quick ? 15_000 : 60_000;
    await new Promise((resolve) => setTimeout(resolve, idle));
    const after = await agent.ask<State>({ state: true });
    rows.push([`memory of the agent’s driver with ${goal} sessions`, `${(after.rss / 2 ** 20).toFixed(0)} MiB RSS`]);
    rows.push([
      `idle for ${idle / 1000} s with ${goal} sessions`,
      `${after.requests - before.requests} API requests, ${ms(after.cpu - before.cpu)} ms of CPU`,
    ]);
  } finally {
    await agent.stop();
    await place.cleanup();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The costs of a session with a warm pod. */
async function warmPart(): Promise<void> {
  if (kubeApiserverMissing() !== undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const server = await KubeApiserver.start();
  const place = await kubernetesPlace(server, 'bench');
  const path = join(folder, 'kubeconfig');
  writeFileSync(path, server.kubeconfig('bench'), { mode: 0o600 });
  const agent = await AgentProcess.start(path, 'bench', 5);
  try {
    await agent.ask<Claimed>({ claim: 'first' });
    const claims: Claimed[] = [];
    for (let i = 0; i < (quick ? 10 : 100); i++) claims.push(await agent.ask<Claimed>({ claim: `claim-${i}` }));
    for (const [what, samples] of [
      ['warm pool: command → session running', claims.map(({ running }) => running)],
      ['warm pool: running → first byte of the screen', claims.map(({ screen }) => screen)],
    ] as const) {
      const { n, p50, p99, max } = distribution(samples);
      const cold = claims.filter(({ warm }) => !warm).length;
      rows.push([what, `p50 ${ms(p50)} ms, p99 ${ms(p99)} ms, max ${ms(max)} ms (n = ${n}, ${cold} of them not warm)`]);
    }
  } finally {
    await agent.stop();
    await place.cleanup();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await driverPart();
await warmPart();
rows.push(...(await screenPaths(quick, say)));
const text = [
  '# Sessions on Kubernetes: what the agent costs',
  '',
  `\`npm run bench:sessions\`, Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${new Date().toISOString().slice(0, 10)}. API server, etcd, kubelet and agent share the machine; load average ${loadavg()[0]!.toFixed(0)} at the end.`,
  '',
  '| what | measured |',
  '| --- | --- |',
  ...rows.map((row) => `| ${row.join(' | ')} |`),
  '',
].join('\n');
process.stdout.write(text);
if (process.argv.includes('--update')) writeFileSync(new URL('../../docs/bench-sessions.md', import.meta.url), text);
