export { Random } from './random.ts';
export { settle, VirtualClock } from './virtual-clock.ts';
