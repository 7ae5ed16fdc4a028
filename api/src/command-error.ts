/** Exit statuses as in sysexits(3). */
const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;

/** Why a command can't be carried out; its message names the remedy. */
export class CommandError extends Error {
  /** The program's exit status. */
  readonly status: number;
  constructor(message: string, status = EX_UNAVAILABLE) {
    super(message);
    this.name = 'CommandError';
    this.status = status;
  }
}

/** An invalid command line. */
export const usage = (message: string): CommandError => new CommandError(message, EX_USAGE);
