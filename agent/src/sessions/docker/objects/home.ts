import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { hasHome } from '../../core/environment.ts';
import { homeName, labelValue } from '../../core/names.ts';
import type { Engine } from '../engine/engine.ts';
import { answered } from '../engine/error.ts';
import type { VolumeDetails } from './engine-objects.ts';
import { APP, TEMPLATE_LABEL, USER_LABEL } from './names.ts';

/** Whether the home is the user's in this template, as its labels say. */
function isHomeOf({ Labels }: VolumeDetails, { user, template }: Pick<SessionSpec, 'user' | 'template'>): boolean {
  return Labels?.[USER_LABEL] === user && Labels[TEMPLATE_LABEL] === template;
}

/**
 * Makes the session's home, a named volume, unless it is there or the session is to have none; its name. Throws `home_of_another` for a volume
 * of that name that is not this owner's: the engine gives out the volume that is there, whatever labels were asked for.
 */
export async function ensureHome(
  engine: Engine,
  agentId: string,
  spec: SessionSpec,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!hasHome(spec)) return undefined;
  const name = homeName(spec);
  const labels = {
    app: APP.home,
    agent: agentId,
    user: labelValue(spec.user),
    [USER_LABEL]: spec.user,
    [TEMPLATE_LABEL]: spec.template,
  };
  const made = await engine.json<VolumeDetails>(
    '/volumes/create',
    { method: 'POST', body: { Name: name, Labels: labels } },
    signal,
  );
  if (isHomeOf(made, spec)) return name;
  throw new StreamSpaceError(
    'home_of_another',
    `Volume ${name} is not marked as the home of this user in this template, and is left alone: an operator may remove it, or make it again with the labels ` +
      `${USER_LABEL} and ${TEMPLATE_LABEL}`,
  );
}

/** Removes the home, if it is this owner's. */
export async function removeHome(engine: Engine, spec: SessionSpec, signal: AbortSignal): Promise<void> {
  if (!hasHome(spec)) return;
  const name = homeName(spec);
  try {
    if (!isHomeOf(await engine.json<VolumeDetails>(`/volumes/${name}`, {}, signal), spec)) return;
    await engine.json(`/volumes/${name}`, { method: 'DELETE' }, signal);
  } catch (error) {
    // gone; or another session's container has it still: that session is being deleted too, and removes it
    if (!answered(error, 404, 409)) throw error;
  }
}
