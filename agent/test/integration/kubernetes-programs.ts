import { SMALL } from './kubernetes-cluster.ts';

/** A program that is no desktop, in the desktop's place: small, and quick to start. */
export const tiny = (...command: string[]) => ({
  spec: { containers: [{ ...SMALL.spec.containers[0]!, command }] },
});

/** Listens as a desktop does; TERM ends it, though it is the first process. */
const LISTEN = `use IO::Socket::INET; $SIG{PIPE}=$SIG{CHLD}='IGNORE'; $SIG{TERM}=sub{exit};
my $s=IO::Socket::INET->new(LocalPort=>$ENV{VNC_PORT},Listen=>64,ReuseAddr=>1) or die;`;

/** A screen that says what it hears. */
export const ECHO = tiny(
  'perl',
  '-e',
  `${LISTEN}
while (1) { my $c=$s->accept or next; next if fork; syswrite($c,'!'); my $b; while (my $n=sysread($c,$b,4096)) { syswrite($c,$b,$n) } exit }`,
);
/** Takes connections, and says nothing. */
export const MUTE = tiny('perl', '-e', `${LISTEN} sleep 1 while 1`);
/** Runs, and listens nowhere. */
export const DEAF = tiny('perl', '-e', '$SIG{TERM}=sub{exit}; sleep 1 while 1');

export const NO_HOME = { STREAMSPACE_HOME: 'none' };
