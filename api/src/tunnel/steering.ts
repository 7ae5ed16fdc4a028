/** Sends one viewer a text frame. */
type Tell = (text: string) => void;

/** A viewer's place among those of its session. */
export interface Seat {
  /** Handles a text frame; false: it is for another handler. */
  heard(text: Buffer): boolean;
  leave(): void;
}

/**
 * Decides which of a session's viewers steers its size [VIEW6]: of those that want to, the one that has wanted it longest. State of the replica that holds the
 * agent.
 */
export class Steering {
  readonly #wanting = new Map<string, Set<Tell>>();

  /** `wish`: the query's `steer`; undefined for a viewer without this feature. */
  join(session: string, wish: string | null | undefined, tell: Tell): Seat | undefined {
    if (wish !== 'yes' && wish !== 'no') return undefined;
    this.#want(session, tell, wish === 'yes');
    return {
      heard: (text) => {
        const [, now] = text.length > 9 ? [] : (/^steer (yes|no)$/.exec(text.toString('latin1')) ?? []);
        if (now !== undefined) this.#want(session, tell, now === 'yes');
        return now !== undefined;
      },
      leave: () => this.#want(session, tell, false, true),
    };
  }

  #want(session: string, tell: Tell, wants: boolean, gone = false): void {
    const wanting = this.#wanting.get(session) ?? new Set();
    const [before] = wanting;
    if (wants) wanting.add(tell);
    else wanting.delete(tell);
    if (wanting.size === 0) this.#wanting.delete(session);
    else this.#wanting.set(session, wanting);
    const [now] = wanting;
    if (!gone) tell(`steering ${now === tell ? 'yes' : 'no'}`);
    if (now !== before && now !== tell) now?.('steering yes');
  }
}
