/** Of the hub, as browsers see it; the visitor sends what is for it to one of its replicas. */
export const PUBLIC_URL = 'http://localhost:9443';

export interface Seen {
  status: number;
  /** Where a redirect leads. */
  location: string;
  cookies: string[];
  // eslint-disable-next-line typescript/no-explicit-any -- whatever the hub said: tests look into it
  body: any;
  text: string;
}

/** A browser without pages: keeps cookies by host and path, and goes where it is sent. */
export class Visitor {
  /** By origin, then by name. */
  readonly cookies = new Map<string, Map<string, { value: string; path: string }>>();
  /** The replica of the hub that answers. */
  port: number;

  constructor(port: number) {
    this.port = port;
  }

  async send(
    url: string,
    { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: object } = {},
  ): Promise<Seen> {
    const { origin, pathname, search } = new URL(url, PUBLIC_URL);
    const jar = this.cookies.get(origin) ?? new Map<string, { value: string; path: string }>();
    const cookie = [...jar]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`);
    const at = origin === PUBLIC_URL ? `http://127.0.0.1:${this.port}` : origin;
    const answer = await fetch(`${at}${pathname}${search}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookie.length > 0 && { cookie: cookie.join('; ') }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const cookies = answer.headers.getSetCookie();
    for (const each of cookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
      const path = /; *path=([^;]*)/i.exec(each)?.[1] ?? '/';
      if (value === '' || /max-age=0/i.test(each)) jar.delete(name!);
      else jar.set(name!, { value: value!, path });
    }
    this.cookies.set(origin, jar);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
    const location = answer.headers.get('location');
    return {
      status: answer.status,
      location: location === null ? '' : new URL(location, `${origin}${pathname}`).href,
      cookies,
      body: isJson ? JSON.parse(text) : undefined,
      text,
    };
  }

  /** As the page asks the API. */
  page(method: string, path: string, body?: object): Promise<Seen> {
    return this.send(`${PUBLIC_URL}/api/v1${path}`, {
      method,
      headers: { 'x-streamspace': '1', ...(method !== 'GET' && { origin: PUBLIC_URL }) },
      ...(body !== undefined && { body }),
    });
  }

  /** Where the provider sends the browser back to, not yet opened. */
  async untilBack(provider: string, query = ''): Promise<string> {
    let { location } = await this.send(`/api/v1/sign-in/start/${provider}${query}`);
    for (let hops = 0; location !== '' && !location.startsWith(PUBLIC_URL); hops += 1) {
      if (hops > 10) throw new Error(`sent around in circles, at last to ${location}`);
      const next = await this.send(location);
      if (next.location === '') throw new Error(`stays at ${location}: ${next.status} ${next.text.slice(0, 500)}`);
      location = next.location;
    }
    return location;
  }

  /** Signs in; the page's address at the end. */
  async signIn(provider: string, query = ''): Promise<string> {
    const back = await this.untilBack(provider, query);
    return back.includes('/callback/') ? (await this.send(back)).location : back;
  }
}
