import { type AgentMessageOf, asStreamSpaceError, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, whenAborted } from 'clock-port';
import { LRUCache } from 'lru-cache';
import type { AgentLink } from '../link/link.ts';
import type { SessionPicture } from '../ports.ts';
import { Throttle } from '../../flow/throttle.ts';

/** Shortest time between two requests to an agent for the picture of one session, milliseconds. */
const AGE_MS = 30_000;
/** Milliseconds for an agent to send a picture. */
const ANSWER_MS = 15_000;
/** Pictures of one agent: this many at once, then one per interval in milliseconds, so that their bytes don't end its link. */
const RATE = { burst: 50, everyMs: 1_000, keys: 20_000 };
/** Most kept bytes of pictures, and sessions. */
const KEPT = { bytes: 32 * 1024 * 1024, sessions: 10_000 };
/** Largest width and height, pixels: a small file can be a large picture. */
const MAX_SIDE = 1_024;
const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR', 'latin1');

interface Entry {
  /** Monotonic milliseconds. */
  readonly askedAt: number;
  /** The last received picture. */
  readonly picture?: SessionPicture;
  /** The error of the last request, if it failed. */
  readonly error?: StreamSpaceError;
}

interface Waiting {
  readonly link: AgentLink;
  readonly settle: (answer: AgentMessageOf<'picture'>) => void;
  readonly fail: (error: StreamSpaceError) => void;
}

/**
 * The last pictures of sessions whose agents are connected here [PIC1]. The last picture of each is kept in memory, within bounds: it is shown
 * for a sleeping session, and is lost with this process.
 */
export class SessionPictures {
  readonly #clock: Clock;
  readonly #randomBytes: (size: number) => Buffer;
  readonly #throttle: Throttle;
  /** By session; above the bound, the most recently wanted ones. */
  readonly #entries = new LRUCache<string, Entry>({
    max: KEPT.sessions,
    maxSize: KEPT.bytes,
    sizeCalculation: ({ picture }) => picture?.png.length ?? 1,
  });
  readonly #underWay = new Map<string, Promise<void>>();
  /** Open requests to agents, by request id. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #watched = new WeakSet<AgentLink>();

  constructor({ clock, randomBytes }: { clock: Clock; randomBytes: (size: number) => Buffer }) {
    this.#clock = clock;
    this.#randomBytes = randomBytes;
    this.#throttle = new Throttle(clock, RATE);
  }

  /**
   * The session's picture: at most half a minute old, or the last one if the agent has none now. Rejects with the agent's refusal, `conflict`
   * for an agent without this feature, `rate_limited`, `command_timeout`.
   */
  async of(link: AgentLink, session: string): Promise<SessionPicture> {
    const known = this.#entries.get(session);
    if (known === undefined || this.#clock.monotonic() - known.askedAt >= AGE_MS) await this.#ask(link, session);
    return this.last(session);
  }

  /** The last received picture. Throws the reason if there is none. */
  last(session: string): SessionPicture {
    const { picture, error } = this.#entries.get(session) ?? {};
    if (picture !== undefined) return picture;
    throw error ?? new StreamSpaceError('agent_offline', 'its agent is not connected, and there is no earlier picture');
  }

  /** Handles an agent's answer. */
  heard(link: AgentLink, answer: AgentMessageOf<'picture'>): void {
    const waiting = this.#waiting.get(answer.request_id);
    if (waiting?.link === link) waiting.settle(answer);
  }

  /** Settles when the entry is renewed; concurrent callers share one request. */
  #ask(link: AgentLink, session: string): Promise<void> {
    const known = this.#underWay.get(session);
    if (known !== undefined) return known;
    const asked = this.#renew(link, session).finally(() => this.#underWay.delete(session));
    this.#underWay.set(session, asked);
    return asked;
  }

  async #renew(link: AgentLink, session: string): Promise<void> {
    const askedAt = this.#clock.monotonic();
    const former = this.#entries.get(session)?.picture;
    try {
      const picture = { png: checked(await this.#request(link, session)), at: this.#clock.now() };
      this.#entries.set(session, { askedAt, picture });
    } catch (thrown) {
      const error = asStreamSpaceError(thrown);
      // a rate limit must not delay the next request
      const limited = error.code === 'rate_limited';
      this.#entries.set(session, {
        askedAt: limited ? askedAt - AGE_MS : askedAt,
        error,
        ...(former && { picture: former }),
      });
    }
  }

  async #request(link: AgentLink, session: string): Promise<AgentMessageOf<'picture'>> {
    if (link.version < 3)
      throw new StreamSpaceError('conflict', `agent ${link.agentId} is of an older version, which takes no pictures`);
    if (!this.#throttle.pass(link.agentId))
      throw new StreamSpaceError(
        'rate_limited',
        `many requests for pictures of agent ${link.agentId}: try again later`,
      );
    const id = this.#randomBytes(12).toString('hex');
    this.#watch(link);
    return new Promise((resolve, reject) => {
      const over = () => {
        timer.cancel();
        this.#waiting.delete(id);
      };
      const fail = (error: StreamSpaceError) => {
        over();
        reject(error);
      };
      const late = `agent ${link.agentId} took no picture within ${ANSWER_MS} ms`;
      const timer = this.#clock.setTimeout(() => fail(new StreamSpaceError('command_timeout', late)), ANSWER_MS);
      const settle = (answer: AgentMessageOf<'picture'>) => {
        over();
        resolve(answer);
      };
      this.#waiting.set(id, { link, settle, fail });
      link.tell({ type: 'take_picture', request_id: id, session_id: session });
    });
  }

  /** One listener per link, however many pictures are requested from it. */
  #watch(link: AgentLink): void {
    if (this.#watched.has(link)) return;
    this.#watched.add(link);
    const left = () => {
      for (const waiting of this.#waiting.values())
        if (waiting.link === link)
          waiting.fail(new StreamSpaceError('agent_offline', `agent ${link.agentId} left; ask again`));
    };
    whenAborted(link.signal, left);
  }
}

/** The picture in an answer. Throws the agent's refusal, or `malformed_frame` for an invalid picture. */
function checked({ png: text, error }: AgentMessageOf<'picture'>): Buffer {
  if (error !== undefined) throw new StreamSpaceError(error.code, error.message);
  const png = Buffer.from(text ?? '', 'base64');
  const fits = png.length <= LIMITS.picture && png.length > 33 && png.subarray(0, 16).equals(SIGNATURE);
  if (!fits || png.readUInt32BE(16) > MAX_SIDE || png.readUInt32BE(20) > MAX_SIDE)
    throw new StreamSpaceError('malformed_frame', 'the agent sent something else than a small picture');
  return png;
}
