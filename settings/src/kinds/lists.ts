import type { Kind } from './kind.ts';
import { id } from './texts.ts';

/** A comma list of things of a kind. */
export function list<T>(takes: string, of: Kind<T>): Kind<readonly T[], readonly string[]> {
  return {
    takes: `a comma list of ${takes}`,
    parse(value) {
      const parts = value.split(',').map((part) => part.trim());
      const read = parts.filter((part) => part !== '').map((part) => of.parse(part));
      return read.every((each) => each !== undefined) ? Object.freeze(read) : undefined;
    },
    print: (value) => value.map((each) => of.print(each)).join(','),
    written: { type: 'array', items: { ...of.written, takes: of.takes } },
    examples: [of.examples],
  };
}

/** Agent ids, each once. */
export function ids(): Kind<ReadonlySet<string>, readonly string[]> {
  const all = list('agent ids', id('an agent id'));
  return {
    ...all,
    parse: (value) => {
      const read = all.parse(value);
      return read === undefined ? undefined : new Set(read);
    },
    print: (value) => [...value].join(','),
  };
}

/** A token as the hub makes it, or of `openssl rand -base64 32`. */
const BOUND = '^[a-z0-9][a-z0-9-]{0,62}=(sse_[0-9A-Za-z_-]{32,256}|[0-9A-Za-z+/]{42,256}={0,2})$';

/** A comma list of `agent-id=enrolment-token`; each token once. */
export function bound(): Kind<ReadonlyMap<string, string>> {
  return {
    takes:
      'a comma list of agent-id=token, each token `sse_` and at least 32 characters of its own (A-Z a-z 0-9 _ -), or of `openssl rand -base64 32`',
    secret: true,
    parse(value) {
      const tokens = new Map<string, string>();
      for (const part of value.split(',').map((each) => each.trim())) {
        if (part === '') continue;
        if (!new RegExp(BOUND).test(part)) return undefined;
        const at = part.indexOf('=');
        const [agent, token] = [part.slice(0, at), part.slice(at + 1)];
        if (tokens.has(agent) || [...tokens.values()].includes(token)) return undefined;
        tokens.set(agent, token);
      }
      return tokens;
    },
    print: (value) => [...value].map(([agent, token]) => `${agent}=${token}`).join(','),
    written: { type: 'array', items: { type: 'string', pattern: BOUND } },
    examples: [[`lab=sse_${'x'.repeat(32)}`], [`lab=${'x+/'.repeat(14)}y=`]],
  };
}

/** A provider's id and the secret of this client there: no comma in either. */
const CLIENT_SECRET = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?=[!-+--~]{1,512}$';

/** A comma list of `provider-id=client-secret`; each provider once. */
export function clientSecrets(): Kind<ReadonlyMap<string, string>> {
  return {
    takes: 'a comma list of provider-id=client-secret, each secret of printable characters without a comma',
    secret: true,
    parse(value) {
      const secrets = new Map<string, string>();
      for (const part of value.split(',').map((each) => each.trim())) {
        if (part === '') continue;
        if (!new RegExp(CLIENT_SECRET).test(part)) return undefined;
        const at = part.indexOf('=');
        if (secrets.has(part.slice(0, at))) return undefined;
        secrets.set(part.slice(0, at), part.slice(at + 1));
      }
      return secrets;
    },
    print: (value) => [...value].map(([provider, secret]) => `${provider}=${secret}`).join(','),
    written: { type: 'array', items: { type: 'string', pattern: CLIENT_SECRET } },
    examples: [['keycloak=a=b'], [`a=${'x'.repeat(512)}`]],
  };
}
