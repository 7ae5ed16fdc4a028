// Argo CD's config management plugin: `discover`, `parameters` or `generate`, in a folder of a repository.
import { ValuesError } from '../render/synth.ts';
import { discover, generate, parameters } from './generate.ts';
import { PluginError } from './project.ts';

function main(): number {
  const request = { folder: process.cwd(), env: process.env };
  try {
    switch (process.argv[2]) {
      case 'discover':
        if (discover(request.folder)) process.stdout.write('cdk8s.yaml\n');
        return 0;
      case 'parameters':
        process.stdout.write(`${parameters(request)}\n`);
        return 0;
      case 'generate':
        process.stdout.write(generate(request));
        return 0;
      default:
        process.stderr.write('takes one of: discover, parameters, generate\n');
        return 2;
    }
  } catch (error) {
    const expected = error instanceof ValuesError || error instanceof PluginError;
    process.stderr.write(
      `${expected ? error.message : `the plugin failed, which it should not: ${(error as Error).message}; report it`}\n`,
    );
    return 1;
  }
}

process.exitCode = main();
