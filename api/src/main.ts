import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from 'clock-port';
import { type Logger, pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { buildApp } from './app.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { publisher } from './events/publisher.ts';
import { DEFAULT_TEMPLATES, readTemplates } from './sessions/templates.ts';
import { openStore } from './store/open.ts';

/** Milliseconds for a graceful stop; what isn't over then is cut. */
const STOP_MS = 10_000;

function logger({ logLevel: level, logFormat }: Config): Logger {
  if (logFormat === 'json') return pino({ level });
  return pino({ level, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}

async function main(): Promise<void> {
  const read = readConfig(process.env);
  const config: Config = {
    ...read,
    consoleDir: read.consoleDir ?? fileURLToPath(new URL('./console', import.meta.url)),
  };
  const templates = [
    ...DEFAULT_TEMPLATES,
    ...(config.templatesFile === undefined ? [] : await readTemplates(config.templatesFile)),
  ];
  const log = logger(config);
  const clock = systemClock;
  const store = openStore(config.storeUrl, clock);
  for (const template of templates) await store.templates.put(template);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const hub = `${hostname()}-${process.pid}`;
  const app = await buildApp({
    config,
    store,
    clock,
    log,
    randomBytes,
    hub,
    metrics,
    publish: publisher(store, clock),
  });

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'hub stopping');
    setTimeout(() => {
      log.error('hub did not stop in time');
      process.exit(1);
    }, STOP_MS).unref();
    await app.close();
    await store.close();
    log.info('hub stopped');
  };
  let stopping: Promise<void> | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void (stopping ??= stop(signal)));

  // fastify says so for each address; one line is enough
  const { level } = log;
  log.level = 'silent';
  await app.listen({ port: config.port, host: config.host });
  log.level = level;
  const address = app.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : config.port;
  log.info(
    { url: config.publicUrl ?? `http://${config.host === '0.0.0.0' ? 'localhost' : config.host}:${port}`, hub },
    'hub listening',
  );
}

/** One line (or a few) that says what to change, and exit code 1. */
function fail(error: unknown): never {
  const { code, port, message, stack } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    console.error(`hub: PORT=${port} is taken by another program: set PORT to a free one, or to 0 for any`);
  else if (code === 'EACCES')
    console.error(`hub: PORT=${port} may not be opened by this user: set PORT to one above 1023`);
  else if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    console.error("hub: HOST is none of this machine's addresses: set HOST to one, or to 0.0.0.0 for all");
  else
    console.error(
      `hub: ${error instanceof ConfigError || message.startsWith('TEMPLATES_FILE') ? message : (stack ?? message)}`,
    );
  process.exit(1);
}

main().catch(fail);
