declare module 'cluster-key-slot' {
  /** The slot, 0 to 16383, that a key is in. */
  export default function calculateSlot(key: string): number;
}
