import type { SignInProvider } from '@streamspace/protocol';
import { type Provider, readProviders } from '../../src/sign-in/providers.ts';
import { CLIENT } from './real-provider.ts';
import { PUBLIC_URL } from './visitor.ts';

export const callbackOf = (provider: string) => `${PUBLIC_URL}/api/v1/sign-in/callback/${provider}`;

/** Settings of a provider, as an admin declares it. */
export const declared = (issuer: string, more: Partial<SignInProvider> = {}): SignInProvider => ({
  id: 'company',
  name: 'The company',
  issuer,
  client_id: CLIENT.id,
  scopes: ['profile', 'email', 'groups'],
  roles: [
    { role: 'admin', claim: 'groups', values: ['ops'] },
    { role: 'user', claim: 'groups', values: ['staff'] },
  ],
  ...more,
});

/** Providers as the hub reads them; each has the client's secret. */
export const providersOf = (...given: SignInProvider[]): Promise<Provider[]> =>
  readProviders('providers.json', new Map(given.map(({ id }) => [id, CLIENT.secret])), async () =>
    JSON.stringify(given),
  );
