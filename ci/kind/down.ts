import { parseArgs } from 'node:util';
import { isThere, removeCluster } from './cluster.ts';

const { values } = parseArgs({ options: { name: { type: 'string', default: 'streamspace' } } });
if (await isThere(values.name)) await removeCluster(values.name);
else process.stdout.write(`There is no cluster ${values.name}.\n`);
