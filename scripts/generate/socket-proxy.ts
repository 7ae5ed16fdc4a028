import { readFile } from 'node:fs/promises';
import { ENGINE_REQUESTS, pathPattern } from '../../agent/src/sessions/docker/engine/requests.ts';
import type { Generated } from './generated.ts';
import { filled } from './settings.ts';

/** Where nginx finds and makes the sockets, in the container of deploy/compose.socket-proxy.yaml. */
const ENGINE_SOCKET = '/var/run/docker.sock';
const PROXY_SOCKET = '/run/engine/docker.sock';

const rules = Object.entries(ENGINE_REQUESTS).flatMap(([method, paths]) =>
  paths.map((path) => `    "~^${method} ${pathPattern(path)}\\z" 1;`),
);

/** nginx's configuration for a proxy of the engine's socket that lets through what the driver asks, and nothing else. */
const socketProxyFile =
  (): string => `# nginx in front of the engine's socket: lets through what the agent asks, and nothing else.
# Written by \`npm run update\` from agent/src/sessions/docker/engine/requests.ts.
# the engine's socket is root's
user root;
daemon off;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;

  # $uri is decoded and has no dots and doubled slashes left: what is checked is what is passed on
  map "$request_method $uri" $allowed {
    default 0;
${rules.join('\n')}
  }
  map $http_upgrade $upgrade_or_not {
    default upgrade;
    "" "";
  }
  upstream engine { server unix:${ENGINE_SOCKET}; }

  server {
    listen unix:${PROXY_SOCKET};
    client_max_body_size 1m;
    # events, logs and screens go on for as long as they like
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 24h;
    proxy_send_timeout 24h;
    proxy_set_header Host docker;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $upgrade_or_not;

    location / {
      if ($allowed = 0) { return 403; }
      proxy_pass http://engine$uri$is_args$args;
    }
  }
}
`;

/** The table of docs/docker.md. */
const requestsTable = (): string =>
  [
    '| method | paths |',
    '| --- | --- |',
    ...Object.entries(ENGINE_REQUESTS).map(
      ([method, paths]) => `| ${method} | ${paths.map((path) => `\`${path}\``).join(', ')} |`,
    ),
  ].join('\n');

/** The proxy's configuration, and the table of what it lets through. */
export const socketProxy = async (root: string): Promise<Generated> =>
  new Map([
    ['deploy/socket-proxy.conf', socketProxyFile()],
    ['docs/docker.md', filled(await readFile(`${root}/docs/docker.md`, 'utf8'), 'requests', requestsTable())],
  ]);
