import { describe, it } from 'vitest';
import { driverContract } from '../contract/driver.ts';
import { isolation, isolationMissing, xvncMissing } from './process-desktops.ts';
import { processPlace } from './process-place.ts';

driverContract('process, built-in desktop', () => processPlace('builtin'));

if (xvncMissing) {
  describe('driver contract: process, Xvnc', () => {
    it(`runs the driver contract`, ({ skip }) => skip(xvncMissing));
  });
} else driverContract('process, Xvnc', () => processPlace('xvnc'));

// S1: in a sandbox a session is all that it is without one
const missing = isolationMissing || xvncMissing;
if (missing) {
  describe('driver contract: process, Xvnc in a sandbox', () => {
    it('runs the driver contract', ({ skip }) => skip(missing));
  });
} else driverContract('process, Xvnc in a sandbox', () => processPlace('xvnc', undefined, isolation));
