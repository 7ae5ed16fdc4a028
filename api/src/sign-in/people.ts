import type { HubDeps } from '../deps.ts';
import type { Clients } from '../http/client-address.ts';
import { type Cookies, cookiesAt } from './cookies.ts';
import type { DisabledUsers } from './disabled-users.ts';
import { Journeys } from './journeys.ts';
import { ProviderClient } from './provider-client.ts';
import type { Provider } from './providers.ts';
import { SignIns } from './sign-ins.ts';

/** Everything for people who sign in at a provider; undefined without providers. */
export function peopleOf(
  deps: HubDeps & { clients: Clients; providers: readonly Provider[]; disabled: DisabledUsers },
): { signIns: SignIns; journeys: Journeys; cookies: Cookies } | undefined {
  const { publicUrl } = deps.config;
  if (deps.providers.length === 0 || publicUrl === undefined) return undefined;
  const cookies = cookiesAt(publicUrl);
  const clientOf = (provider: Provider) =>
    new ProviderClient(provider, deps.clock, {
      // one for each provider: an answer of one can't be taken for another's
      redirectUri: `${publicUrl}/api/v1/sign-in/callback/${provider.id}`,
      afterSignOut: `${publicUrl}/`,
    });
  const providers = new Map(deps.providers.map((each) => [each.id, clientOf(each)]));
  const signIns = new SignIns({ ...deps, cookies, providers });
  return { signIns, journeys: new Journeys({ ...deps, cookies, providers, signIns }), cookies };
}
