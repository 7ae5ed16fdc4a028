/** What the engine refused, or that it can't be reached (`status` 0). The message is the engine's own. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Whether the engine answered so. */
export function answered(error: unknown, ...statuses: readonly number[]): error is EngineError {
  return error instanceof EngineError && statuses.includes(error.status);
}

/** A name that somebody else has: Docker says 409, Podman 500 and words. */
export function isNameTaken(error: unknown): boolean {
  return (
    answered(error, 409) ||
    (answered(error, 500) &&
      /name .* (is )?(already )?in use|that name is already in use|network already exists/i.test(error.message))
  );
}

/** Something that others use still, and that can't be removed for that. */
export function isInUse(error: unknown): boolean {
  return answered(error, 403, 409) || (answered(error, 500) && /being used|in use/i.test(error.message));
}

/** The engine could not be asked, or did not answer: whether it did what was asked is not known. */
export function isAway(error: unknown): error is EngineError {
  return answered(error, 0);
}
