// Viewers in a separate process, so that their reading does not slow the measuring one. TAKE: their URLs, as JSON. Prints "taking".
import { webSocketChannel } from './channel.ts';

const channels = await Promise.all((JSON.parse(process.env.TAKE!) as string[]).map(webSocketChannel));
for (const channel of channels) channel.onData(() => {});
process.stdout.write('taking\n');
process.on('SIGTERM', () => process.exit(0));
