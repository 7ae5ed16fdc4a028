import { removeContainer } from '../engine/containers.ts';
import { removeNetworks } from '../network.ts';
import { GRACE_S } from '../objects/container.ts';
import type { ContainerSummary } from '../objects/engine-objects.ts';
import { APP, startNames, startOf, WARM_TEMPLATE_LABEL } from '../objects/names.ts';
import type { DockerDriverOptions } from '../options.ts';

/** The session's containers, whichever start they are. */
export async function startsOf(
  { engine }: Pick<DockerDriverOptions, 'engine'>,
  sessionId: string,
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const list = (filters: object) =>
    engine.json<ContainerSummary[]>('/containers/json', { query: { all: true, filters } }, signal);
  const app = `app=${APP.session}`;
  const found = await Promise.all([
    list({ label: [app, `session=${sessionId}`] }),
    // those that were warm have no label of the session
    list({ label: [app, WARM_TEMPLATE_LABEL], name: [startNames(sessionId)] }),
  ]);
  return found.flat();
}

/** Stops and removes those of the session's containers; resolves when they are gone. */
export async function removeStarts(
  { options }: { readonly options: DockerDriverOptions },
  sessionId: string,
  which: (start: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { agentId, engine, step } = options;
  const found = (await startsOf(options, sessionId, signal)).filter(
    (container) => container.Labels['agent'] === agentId && which(startOf(container)),
  );
  await Promise.all(
    found.map(({ Id, State }) => removeContainer(engine, Id, State === 'running' ? GRACE_S : 0, signal)),
  );
  await removeNetworks(options, { session: sessionId }, (_, start) => which(start), signal);
  if (found.length > 0) await step?.('container removed', sessionId);
}
