import { randomBytes } from 'node:crypto';
import { systemClock } from 'clock-port';
import { ConfigError } from '@streamspace/settings';
import { CommandError, usage } from './command-error.ts';

/** Exit status for settings that can't be used; as sysexits(3) has it. */
const EX_CONFIG = 78;

const USAGE = `hub                                    serves
hub link --user NAME [--admin]         prints a link that signs a user in
hub secrets SETTING=SECRET/KEY…        makes what these Secrets of this pod's namespace lack
hub secret-files FOLDER STORE          makes files of secrets, for an installation without Kubernetes
hub audit-verify < FILE                checks entries of the audit log that were exported as JSON lines`;

const tell = (text: string) => void process.stderr.write(`${text}\n`);

/** Each is loaded when it is asked for: the others start without what the hub serves with. */
async function run(command: string, args: readonly string[]): Promise<void> {
  switch (command) {
    case 'serve':
      return (await import('./serve/main.ts')).serve();
    case 'link': {
      const { signInLink } = await import('./sign-in/link.ts');
      const { link, advice, first } = await signInLink(args, process.env, systemClock);
      if (first !== undefined) {
        const { firstDesktop } = await import('./sign-in/first-desktop.ts');
        const words = await firstDesktop(first.hub, first.token).catch((error: unknown) => `none: ${String(error)}`);
        tell(`First desktop: ${words}.`);
      }
      for (const line of advice) tell(line);
      process.stdout.write(`${link}\n`);
      return;
    }
    case 'secrets': {
      const [{ makeSecrets }, { inCluster }] = await Promise.all([
        import('./secrets/make.ts'),
        import('./secrets/api-server.ts'),
      ]);
      return makeSecrets(args, { server: () => inCluster(process.env), clock: systemClock, randomBytes, tell });
    }
    case 'secret-files':
      return (await import('./secrets/files.ts')).makeSecretFiles(args, { randomBytes, tell });
    case 'audit-verify': {
      const { verifyExport } = await import('./audit/verify.ts');
      process.stdout.write(`${await verifyExport(process.stdin)}\n`);
      return;
    }
    default:
      throw usage(`there is no command ${JSON.stringify(command.slice(0, 50))}\n\n${USAGE}`);
  }
}

const [command = 'serve', ...args] = process.argv.slice(2);
try {
  await run(command, args);
} catch (error) {
  const { message, stack } = error as Error;
  const status = error instanceof CommandError ? error.status : error instanceof ConfigError ? EX_CONFIG : undefined;
  tell(`hub ${command}: ${status === undefined ? (stack ?? message) : message}`);
  process.exitCode = status ?? 1;
}
