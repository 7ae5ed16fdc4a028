import type { Duplex } from 'node:stream';
import type { Engine } from '../engine/engine.ts';
import { ProcessStream } from '../engine/process-stream.ts';

/**
 * Carries bytes between its standard input and output and a port of the container, with what the image has: socat, a netcat, or bash. It
 * ends with either side.
 */
const RELAY = `
if command -v socat >/dev/null 2>&1; then exec socat STDIO "TCP:127.0.0.1:$1"; fi
if command -v nc >/dev/null 2>&1; then exec nc 127.0.0.1 "$1"; fi
if command -v bash >/dev/null 2>&1; then exec bash -c '
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  exec 4<&0
  cat <&3 & out=$!
  cat <&4 >&3 & in=$!
  trap "kill $out $in 2>/dev/null" EXIT
  wait -n
' relay "$1"; fi
echo 'the image has neither socat, nc nor bash to reach its screen by' >&2
exit 127`;

/** A connection to a port of a container by a process in it: where the container's address can't be reached from here. */
export async function connectByExec(
  engine: Engine,
  container: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const body = {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Cmd: ['sh', '-c', RELAY, 'relay', String(port)],
  };
  const { Id } = await engine.json<{ Id: string }>(`/containers/${container}/exec`, { method: 'POST', body }, signal);
  return new ProcessStream(await engine.upgrade(`/exec/${Id}/start`, { Detach: false, Tty: false }, signal));
}
