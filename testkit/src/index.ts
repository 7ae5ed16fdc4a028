export { Random } from './random.ts';
export { selfSigned } from './self-signed.ts';
export { unbounded } from './unbounded.ts';
export { settle, VirtualClock } from './virtual-clock.ts';
export { everySeed, seeds } from './sim/seeds.ts';
export { SimNetwork, SimSocket } from './sim/network.ts';
export { Crashed, type Mishaps, SimProcess, throughProcess } from './sim/process.ts';
export { RfbClient, type RfbClientOptions } from './rfb/client.ts';
export { Picture, type Region } from './rfb/picture.ts';
export {
  type RfbTestConnection,
  type RfbTestServer,
  rfbTestServer,
  type RfbTestServerOptions,
} from './rfb/test-server.ts';
export { type CommandEntry, type CommandHistory, checkHistory, type Effect } from './history.ts';
export { Balancer } from './processes/balancer.ts';
export { freePort, freePorts } from './processes/free-ports.ts';
export { Program } from './processes/program.ts';
export {
  KubeApiserver,
  type KubeApiserverOptions,
  kubeApiserverMissing,
  kubeApiserverVersion,
} from './kube-apiserver.ts';
