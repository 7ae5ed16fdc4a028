import type { Session, Template } from '@streamspace/protocol';

/** The notice about a newly accepted session; `asked`: the requested region, which may have had no room. */
export function placed(
  { name, agent, region }: Pick<Session, 'name' | 'agent' | 'region'>,
  template: Pick<Template, 'name'>,
  asked: string | undefined,
): string {
  const where = `${name || template.name} is on its way, on agent ${agent}`;
  if (asked === undefined || asked === region) return where;
  return `${where}${region === '' ? '' : ` in ${region}`}: ${asked} has no room for it now`;
}
