import { systemClock } from 'clock-port';
import { findIsolation } from '../../src/sessions/process/isolation.ts';
import { findPrograms } from '../../src/sessions/process/host/programs.ts';

const programs = await findPrograms(process.env['PATH'] ?? '');

/** What this machine lacks for a real X desktop; empty when it has everything. */
export const xvncMissing = 'missing' in programs ? `this machine lacks ${programs.missing}` : '';

/** What sessions can be isolated by here, and what this machine lacks for it; empty when it has everything. */
export const isolation = await findIsolation('required', process.env, [process.execPath, '--version'], systemClock);
export const isolationMissing = isolation.reason ?? '';
