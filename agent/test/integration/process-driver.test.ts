import { describe, it } from 'vitest';
import { driverContract } from '../contract/driver.ts';
import { xvncMissing } from './process-desktops.ts';
import { processPlace } from './process-place.ts';

driverContract('process, built-in desktop', () => processPlace('builtin'));

if (xvncMissing) {
  describe('driver contract: process, Xvnc', () => {
    it(`runs the driver contract`, ({ skip }) => skip(xvncMissing));
  });
} else driverContract('process, Xvnc', () => processPlace('xvnc'));
