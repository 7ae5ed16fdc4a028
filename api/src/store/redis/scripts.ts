import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script that runs as one step at the server. */
export interface Script {
  readonly text: string;
  /** SHA-1 (hex), the server's name for the script. */
  readonly sha: string;
  /** Most keys among its arguments. */
  readonly keys: number;
}

function script(keys: number, ...parts: string[]): Script {
  const text = parts.join('\n');
  return { text, sha: createHash('sha1').update(text).digest('hex'), keys };
}

// scripts/build.mjs replaces these calls with the texts
const json = readFileSync(new URL('./json.lua', import.meta.url), 'utf8');
const usage = readFileSync(new URL('./usage.lua', import.meta.url), 'utf8');
const quota = readFileSync(new URL('./quota.lua', import.meta.url), 'utf8');

/** The head of each file describes the script; the number in its name is the number of its keys. */
export const SCRIPTS = {
  get: script(1, json, readFileSync(new URL('./get-1.lua', import.meta.url), 'utf8')),
  claim: script(1, readFileSync(new URL('./claim-1.lua', import.meta.url), 'utf8')),
  ifHolds: script(1, readFileSync(new URL('./if-holds-1.lua', import.meta.url), 'utf8')),
  change: script(1, json, readFileSync(new URL('./change-1.lua', import.meta.url), 'utf8')),
  create: script(10, usage, quota, readFileSync(new URL('./create-10.lua', import.meta.url), 'utf8')),
  adopt: script(3, json, usage, readFileSync(new URL('./adopt-3.lua', import.meta.url), 'utf8')),
  update: script(2, json, usage, readFileSync(new URL('./update-2.lua', import.meta.url), 'utf8')),
  remove: script(4, usage, readFileSync(new URL('./remove-4.lua', import.meta.url), 'utf8')),
  sessions: script(1, json, readFileSync(new URL('./sessions-1.lua', import.meta.url), 'utf8')),
  append: script(6, usage, quota, readFileSync(new URL('./append-6.lua', import.meta.url), 'utf8')),
  open: script(1, json, readFileSync(new URL('./open-1.lua', import.meta.url), 'utf8')),
  next: script(1, json, readFileSync(new URL('./next-1.lua', import.meta.url), 'utf8')),
  markSent: script(2, json, readFileSync(new URL('./mark-sent-2.lua', import.meta.url), 'utf8')),
  markAck: script(2, json, readFileSync(new URL('./mark-ack-2.lua', import.meta.url), 'utf8')),
  finish: script(4, json, usage, readFileSync(new URL('./finish-4.lua', import.meta.url), 'utf8')),
  replace: script(1, readFileSync(new URL('./replace-1.lua', import.meta.url), 'utf8')),
  index: script(1, readFileSync(new URL('./index-1.lua', import.meta.url), 'utf8')),
  prune: script(1, readFileSync(new URL('./prune-1.lua', import.meta.url), 'utf8')),
  takeEnrolment: script(1, readFileSync(new URL('./take-enrolment-1.lua', import.meta.url), 'utf8')),
  setCredential: script(1, readFileSync(new URL('./set-credential-1.lua', import.meta.url), 'utf8')),
  useCredential: script(1, readFileSync(new URL('./use-credential-1.lua', import.meta.url), 'utf8')),
  beginRotation: script(1, readFileSync(new URL('./begin-rotation-1.lua', import.meta.url), 'utf8')),
  finishRotation: script(1, readFileSync(new URL('./finish-rotation-1.lua', import.meta.url), 'utf8')),
  revoke: script(1, readFileSync(new URL('./revoke-1.lua', import.meta.url), 'utf8')),
  appendEvent: script(3, readFileSync(new URL('./append-event-3.lua', import.meta.url), 'utf8')),
  lookAtEvents: script(2, readFileSync(new URL('./look-at-events-2.lua', import.meta.url), 'utf8')),
  sendSignal: script(1, readFileSync(new URL('./send-signal-1.lua', import.meta.url), 'utf8')),
  replaceSignIn: script(1, readFileSync(new URL('./replace-sign-in-1.lua', import.meta.url), 'utf8')),
  removeSignIns: script(1, readFileSync(new URL('./remove-sign-ins-1.lua', import.meta.url), 'utf8')),
  disableUser: script(1, readFileSync(new URL('./disable-user-1.lua', import.meta.url), 'utf8')),
  appendAudit: script(2, readFileSync(new URL('./append-audit-2.lua', import.meta.url), 'utf8')),
  timeline: script(2, readFileSync(new URL('./timeline-2.lua', import.meta.url), 'utf8')),
} as const satisfies Record<string, Script>;
