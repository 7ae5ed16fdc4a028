import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';
import { driverContract } from '../contract/driver.ts';
import { kubernetesPlace } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();

describe.skipIf(missing !== undefined)(`kubernetes driver on a real API server${missing ? `: ${missing}` : ''}`, () => {
  let server: KubeApiserver;
  beforeAll(async () => {
    server = await KubeApiserver.start();
  }, 90_000);
  afterAll(() => server?.stop());

  driverContract('kubernetes', () => kubernetesPlace(server, 'contract'));
});
