import { StreamSpaceError } from '@streamspace/protocol';
import type { SessionPicture } from '../agents/ports.ts';
import type { Peers } from './client.ts';

/** Milliseconds for another replica to get a picture; that replica waits 15 s for the agent itself. */
const PICTURE_PEER_MS = 17_000;

/** The body of a picture in one replica's answer to another. */
export const pictureAnswer = ({ png, at }: SessionPicture): { png: string; at: number } => ({
  png: png.toString('base64'),
  at,
});

/** The picture from the replica that holds the agent. Rejects as `Peers.ask`. */
export async function pictureFrom(peers: Peers, hub: string, agent: string, session: string): Promise<SessionPicture> {
  const { png, at } = (await peers.ask(hub, 'picture', { agent, session }, PICTURE_PEER_MS)) as Partial<
    ReturnType<typeof pictureAnswer>
  >;
  if (typeof png !== 'string' || typeof at !== 'number')
    throw new StreamSpaceError('internal', 'the other hub replica answered something else than a picture');
  return { png: Buffer.from(png, 'base64'), at };
}
