import { driverContract } from '../contract/driver.ts';
import { processPlace } from './process-place.ts';

driverContract('process, built-in desktop', () => processPlace('builtin'));
driverContract('process, Xvnc', () => processPlace('xvnc'));
