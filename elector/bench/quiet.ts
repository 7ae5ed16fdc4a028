/** Lets one at a time through: what is timed in milliseconds is not disturbed by processes that another round starts. */
export class Quiet {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
