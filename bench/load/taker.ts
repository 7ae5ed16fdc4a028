// Viewers of a process of their own, so that what they take does not slow the one that measures. TAKE: their URLs, as JSON. Says "taking".
import { webSocketChannel } from './channel.ts';

const channels = await Promise.all((JSON.parse(process.env.TAKE!) as string[]).map(webSocketChannel));
for (const channel of channels) channel.onData(() => {});
process.stdout.write('taking\n');
process.on('SIGTERM', () => process.exit(0));
