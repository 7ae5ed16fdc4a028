// npm start runs everything on this machine: the hub, three replicas of one agent, the page, a first desktop.
import { launch } from './launch.mjs';
import { checkNode, debianPackages, DESKTOP, npmPackages, say } from './setup.mjs';

checkNode();
npmPackages();
const missing = debianPackages(DESKTOP, 'real desktops (Xvnc), each isolated (bubblewrap)');
if (missing.some((name) => name !== DESKTOP.bwrap))
  say('Without them sessions are the built-in desktop: a small one, but it works.');
if (missing.includes(DESKTOP.bwrap)) say('Without bubblewrap only one user can have sessions (docs/agent.md).');
say('Building …');
const { buildConsole, buildPrograms } = await import('./build.mjs');
await Promise.all([buildPrograms(), buildConsole()]);

launch();
