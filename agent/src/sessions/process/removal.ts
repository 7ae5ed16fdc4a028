import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SessionSpec } from '@streamspace/protocol';
import { isLive } from '../core/record.ts';
import { leaveHomes, ownsHomes } from './home-owner.ts';
import type { Hosts } from './hosts.ts';
import type { Layout } from './layout.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { VersionedRecord } from '../core/record-text.ts';
import type { RecordFiles } from './record-files.ts';

/** Removes everything of a deleted session. Every step may be repeated. */
export class Removal {
  readonly #layout: Layout;
  readonly #hosts: Hosts;
  readonly #records: RecordFiles;
  readonly #step: ProcessDriverOptions['step'];

  constructor(layout: Layout, hosts: Hosts, records: RecordFiles, step: ProcessDriverOptions['step']) {
    this.#layout = layout;
    this.#hosts = hosts;
    this.#records = records;
    this.#step = step;
  }

  /** Removes everything but the record. */
  async clear({ id, spec, specLost, instance, deleteHome }: VersionedRecord, signal: AbortSignal): Promise<void> {
    await this.#hosts.stopUpTo(id, instance, signal);
    await this.#step?.('host ended', id);
    if (spec && specLost !== true && deleteHome) {
      await this.#removeHome(spec);
      await this.#step?.('home removed', id);
    }
    const folder = this.#layout.session(id);
    for (const name of await readdir(folder).catch(() => [])) {
      if (!/^session\.\d+\.json$|\.tmp$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
    await this.#step?.('files removed', id);
  }

  /** Removes a home unless another session uses it: renames it in one step, then deletes it. */
  async #removeHome(spec: SessionSpec): Promise<void> {
    const home = this.#layout.home(spec.user, spec.template);
    for (const id of await this.#layout.ids()) {
      const other = id === spec.id ? undefined : await this.#records.read(id);
      if (other === undefined || !isLive(other)) continue;
      // the home of a session with a lost spec is unknown
      if (other.specLost === true || this.#layout.home(other.spec.user, other.spec.template) === home) return;
    }
    if (!(await ownsHomes(dirname(home), spec.user))) return;
    const away = join(this.#layout.homes, `.removed-${spec.id}`);
    await rm(away, { recursive: true, force: true });
    await rename(home, away).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(away, { recursive: true, force: true });
    // the folder stays if the user has other homes
    await leaveHomes(dirname(home));
    await rmdir(dirname(home)).catch(() => {});
  }
}
