import { findPrograms } from '../../src/sessions/process/host/programs.ts';

const programs = await findPrograms(process.env['PATH'] ?? '');

/** What this machine lacks for a real X desktop; empty when it has everything. */
export const xvncMissing = 'missing' in programs ? `this machine lacks ${programs.missing}` : '';
