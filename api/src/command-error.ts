/** Exit statuses as sysexits(3) has them. */
const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;

/** Why a command can't be carried out; its message says what to do about it. */
export class CommandError extends Error {
  /** The program's exit status. */
  readonly status: number;
  constructor(message: string, status = EX_UNAVAILABLE) {
    super(message);
    this.name = 'CommandError';
    this.status = status;
  }
}

/** A command line that is wrong. */
export const usage = (message: string): CommandError => new CommandError(message, EX_USAGE);
