import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Context } from 'oidc-provider';

/** The hub's client there. */
export const CLIENT = { id: 'hub', secret: 'the-secret-of-the-hub:+&%' };

export interface Account {
  name?: string;
  email?: string;
  email_verified?: boolean;
  groups?: string[];
}

/** `oidc-provider` behind HTTP. Whoever comes is signed in as `account` at once. */
export class RealProvider {
  readonly accounts: Record<string, Account> = {
    ann: { name: 'Ann Ä.', email: 'ann@example.com', email_verified: true, groups: ['staff', 'ops'] },
    bob: { name: 'Bob', groups: ['staff'] },
    eve: { name: 'Eve' },
  };
  account = 'ann';
  /** What the token endpoint was asked for. */
  readonly grants: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `redirectUris`, `signedOut`: as they are registered. `lasts`: seconds of an access token. */
  static async start(about: { redirectUris: string[]; signedOut: string; lasts?: number }): Promise<RealProvider> {
    let handle: Parameters<typeof createServer>[1];
    const server = createServer((request, response) => handle!(request, response));
    const real = new RealProvider(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const provider = new Provider(real.issuer, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: about.redirectUris,
          post_logout_redirect_uris: [about.signedOut],
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
      scopes: ['openid', 'profile', 'email', 'groups'],
      claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
      cookies: { keys: ['a key of the tests'] },
      pkce: { required: () => true },
      ttl: {
        AccessToken: about.lasts ?? 3_600,
        IdToken: 3_600,
        Grant: 86_400,
        Session: 86_400,
        Interaction: 600,
        RefreshToken: 86_400,
      },
      issueRefreshToken: async () => about.lasts !== undefined,
      rotateRefreshToken: true,
      features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
      interactions: { url: (_: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
      findAccount: (_: Context, id: string) =>
        real.accounts[id] && { accountId: id, claims: () => ({ sub: id, ...real.accounts[id] }) },
      async loadExistingGrant({ oidc }: Context) {
        const id = oidc.session.grantIdFor(oidc.client.clientId);
        const known = id === undefined ? undefined : await oidc.provider.Grant.find(id);
        if (known !== undefined) return known;
        const { clientId } = oidc.client;
        const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
        grant.addOIDCScope('openid profile email groups');
        await grant.save();
        return grant;
      },
    });
    provider.on('grant.success', (context) =>
      real.grants.push((context as { oidc: { params: { grant_type: string } } }).oidc.params.grant_type),
    );
    const callback = provider.callback();
    handle = (request, response) => {
      if (request.url?.startsWith('/interaction/') !== true) return callback(request, response);
      const result = real.account === '' ? { error: 'access_denied' } : { login: { accountId: real.account } };
      void provider.interactionFinished(request, response, result);
    };
    return real;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
