export { Random } from './random.ts';
export { settle, VirtualClock } from './virtual-clock.ts';
export { everySeed, seeds } from './sim/seeds.ts';
export { SimNetwork, SimSocket } from './sim/network.ts';
export { Crashed, type Mishaps, SimProcess, throughProcess } from './sim/process.ts';
export { RfbClient, type RfbClientOptions } from './rfb/client.ts';
export { Picture, type Region } from './rfb/picture.ts';
export { png } from './rfb/png.ts';
