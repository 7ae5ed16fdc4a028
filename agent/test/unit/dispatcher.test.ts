import { VirtualClock } from '@streamspace/testkit';
import type { AgentMessage } from '@streamspace/protocol';
import { StreamSpaceError } from '@streamspace/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { Dispatcher, type DispatcherOptions } from '../../src/commands/dispatcher.ts';
import type { CommandMessage } from '../../src/commands/operation.ts';
import type { Slot } from '../../src/sessions/driver.ts';
import { FakeDriver, specOf } from '../support/driver.ts';

class Peer {
  readonly messages: AgentMessage[] = [];
  send(message: AgentMessage): void {
    this.messages.push(message);
  }
  /** `ack c1/1`, `result c1/1` or `result c1/1 code`. */
  get said(): string[] {
    return this.messages.map((message) => {
      if (message.type === 'ack') return `ack ${message.command_id}/${message.attempt}`;
      if (message.type !== 'result') return message.type;
      return `result ${message.command_id}/${message.attempt}${message.error === undefined ? '' : ` ${message.error.code}`}`;
    });
  }
}

let clock: VirtualClock;
let driver: FakeDriver;
let peer: Peer;
const settled = () => clock.advance(0);

function gate(): { open(): void } {
  let open!: () => void;
  driver.gate = new Promise((resolve) => (open = resolve));
  return { open: () => open() };
}

const make = (options: Partial<DispatcherOptions> = {}) =>
  new Dispatcher({
    driver,
    clock,
    log: pino({ level: 'silent' }),
    observer: { onStart: () => undefined, onFinish: () => undefined, onAnswered: () => undefined },
    concurrency: 2,
    timeout: 60_000,
    ...options,
  });

const create = (id: string, session: string, attempt = 1): CommandMessage => ({
  type: 'command',
  id,
  attempt,
  action: 'create_session',
  session_id: session,
  spec: specOf(session),
});
const remove = (id: string, session: string): CommandMessage => ({
  type: 'command',
  id,
  attempt: 1,
  action: 'delete_session',
  session_id: session,
});

beforeEach(() => {
  clock = new VirtualClock();
  driver = new FakeDriver();
  peer = new Peer();
});

describe('dispatcher', () => {
  it('[CMD6] acks at the start and answers with the session', async () => {
    const held = gate();
    const dispatcher = make();
    dispatcher.dispatch(create('c1', 'a'), 3, peer);
    expect(peer.said).toEqual(['ack c1/1']);
    held.open();
    await settled();
    expect(peer.messages[1]).toMatchObject({
      type: 'result',
      command_id: 'c1',
      attempt: 1,
      session: { state: 'running' },
    });
    expect(clock.pending).toBe(0);
  });

  it('failure 2: a slow command holds up neither its caller nor other sessions', async () => {
    gate();
    const dispatcher = make();
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    driver.gate = undefined;
    dispatcher.dispatch(create('c2', 'b'), 1, peer);
    await settled();
    expect(peer.said).toEqual(['ack c1/1', 'ack c2/1', 'result c2/1']);
  });

  it('[CMD4] a repeat of what runs joins it, and the latest attempt is answered where it came from', async () => {
    const held = gate();
    const dispatcher = make();
    const second = new Peer();
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    dispatcher.dispatch(create('c1', 'a', 2), 1, second);
    held.open();
    await settled();
    expect(peer.said).toEqual(['ack c1/1']);
    expect(second.said).toEqual(['ack c1/2', 'result c1/2']);
    expect(driver.calls).toEqual(['create a']);
    expect(driver.effects.get('c1')).toBe(1);
  });

  it('[CMD4] a repeat of what waits is answered once, for its latest attempt', async () => {
    const held = gate();
    const dispatcher = make({ concurrency: 1 });
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    dispatcher.dispatch(create('c2', 'b'), 1, peer);
    dispatcher.dispatch(create('c2', 'b', 2), 1, peer);
    held.open();
    await settled();
    expect(peer.said).toEqual(['ack c1/1', 'result c1/1', 'ack c2/2', 'result c2/2']);
  });

  it('[CMD4] a repeat of what is done gets the stored result, failures too', async () => {
    const dispatcher = make();
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    await settled();
    driver.fail = new StreamSpaceError('disk_full', 'full');
    dispatcher.dispatch(create('c2', 'b'), 1, peer);
    await settled();
    driver.fail = undefined;
    const again = new Peer();
    dispatcher.dispatch(create('c1', 'a', 2), 1, again);
    dispatcher.dispatch(create('c2', 'b', 2), 1, again);
    expect(again.said).toEqual(['ack c1/2', 'result c1/2', 'ack c2/2', 'result c2/2 disk_full']);
    expect(driver.calls).toEqual(['create a', 'create b']);
  });

  it('remembers a bounded number of results', async () => {
    const dispatcher = make({ remembered: 2 });
    for (const id of ['c1', 'c2', 'c3']) dispatcher.dispatch(create(id, id), 1, peer);
    await settled();
    dispatcher.dispatch(create('c1', 'c1', 2), 1, peer);
    await settled();
    expect(driver.calls.filter((call) => call === 'create c1')).toHaveLength(2);
  });

  it('[CMD5] runs commands of one session in order, one at a time', async () => {
    const held = gate();
    const dispatcher = make();
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    dispatcher.dispatch({ ...remove('c2', 'a'), action: 'hibernate_session' }, 1, peer);
    await settled();
    expect(driver.calls).toEqual(['create a']);
    expect(dispatcher.concerns('a')).toBe(true);
    held.open();
    await settled();
    expect(driver.calls).toEqual(['create a', 'hibernate a']);
    expect(dispatcher.concerns('a')).toBe(false);
  });

  it('K4 a delete aborts the create that it is to cancel, and runs at once', async () => {
    gate();
    const dispatcher = make();
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    dispatcher.dispatch(create('c3', 'b'), 1, peer);
    driver.gate = undefined;
    dispatcher.dispatch(remove('c2', 'a'), 1, peer);
    await settled();
    expect(driver.calls).toEqual(['create a', 'create b', 'delete a']);
    expect(peer.said).toEqual(['ack c1/1', 'ack c3/1', 'result c1/1 command_aborted', 'ack c2/1', 'result c2/1']);
    expect(driver.sessions.has('a')).toBe(false);
    await dispatcher.abort(new StreamSpaceError('command_aborted', 'over'));
  });

  it('K4 operations that wait for the platform hold no slot, and go on when they have one again', async () => {
    const slots: Slot[] = [];
    const answered: (() => void)[] = [];
    driver.create = async (spec, { slot, signal }) => {
      driver.calls.push(`create ${spec.id}`);
      if (spec.id.startsWith('w')) {
        slots.push(slot!);
        slot!.leave('the API server is away');
        await new Promise<void>((resolve) => answered.push(resolve));
        await slot!.regain(signal);
      } else await driver.gate;
      driver.calls.push(`went on ${spec.id}`);
      return { spec, state: 'running' };
    };
    const held = gate();
    const dispatcher = make({ concurrency: 2, timeout: 60_000 });
    for (const id of ['w1', 'w2', 'w3', 'a', 'b', 'c']) dispatcher.dispatch(create(`c-${id}`, id), 1, peer);
    await settled();
    expect(driver.calls).toEqual(['w1', 'w2', 'w3', 'a', 'b'].map((id) => `create ${id}`));
    expect([dispatcher.running, dispatcher.waiting]).toEqual([5, 1]);
    // the platform is back, but others have the slots: before anything new they go on, in order
    for (const answer of answered) answer();
    await settled();
    expect(driver.calls).toHaveLength(5);
    held.open();
    await settled();
    expect(driver.calls.slice(5, 9).toSorted()).toEqual(['went on a', 'went on b', 'went on w1', 'went on w2']);
    expect(driver.calls.slice(9)).toEqual(expect.arrayContaining(['went on w3', 'create c', 'went on c']));
    expect([dispatcher.running, dispatcher.waiting]).toEqual([0, 0]);
  });

  it('K4 says what an operation waited for when its time is over', async () => {
    driver.create = async (_spec, { slot, signal }) => {
      slot!.leave('failed calling webhook "x"');
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const dispatcher = make({ timeout: 1_000 });
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    await clock.advance(1_000);
    expect(peer.messages.at(-1)).toMatchObject({
      error: { code: 'command_timeout', message: expect.stringContaining('failed calling webhook "x"') },
    });
    expect(dispatcher.running).toBe(0);
  });

  it('[CMD5] runs at most so many at once', async () => {
    const held = gate();
    const dispatcher = make({ concurrency: 3 });
    for (let n = 0; n < 10; n++) dispatcher.dispatch(create(`c${n}`, `s${n}`), 1, peer);
    await settled();
    expect([driver.running, dispatcher.waiting]).toEqual([3, 7]);
    held.open();
    await settled();
    expect(driver.mostRunning).toBe(3);
    expect(peer.said.filter((said) => said.startsWith('result'))).toHaveLength(10);
  });

  it('[CMD6] aborts what takes longer than COMMAND_TIMEOUT', async () => {
    gate();
    const dispatcher = make({ timeout: 5_000 });
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    await clock.advance(4_999);
    expect(peer.said).toEqual(['ack c1/1']);
    await clock.advance(1);
    expect(peer.said).toEqual(['ack c1/1', 'result c1/1 command_timeout']);
    expect(driver.signals[0]!.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('refuses what its queue has no room for, in words', async () => {
    gate();
    const dispatcher = make({ concurrency: 1, queueLimit: 1 });
    for (const id of ['c1', 'c2', 'c3']) dispatcher.dispatch(create(id, id), 1, peer);
    expect(peer.said).toEqual(['ack c1/1', 'result c3/1 at_capacity']);
    expect(peer.messages[1]).toMatchObject({
      error: { message: expect.stringContaining('MAX_CONCURRENT_OPERATIONS') },
    });
  });

  it('the loss of the term aborts everything and answers nothing', async () => {
    gate();
    const dispatcher = make({ concurrency: 1 });
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    dispatcher.dispatch(create('c2', 'b'), 1, peer);
    await dispatcher.abort(new StreamSpaceError('command_aborted', 'lost'));
    dispatcher.dispatch(create('c3', 'c'), 1, peer);
    await settled();
    expect(peer.said).toEqual(['ack c1/1']);
    expect(driver.calls).toEqual(['create a']);
    expect([driver.effects.size, clock.pending]).toEqual([0, 0]);
  });

  it('does not wait for a driver that ignores its signal', async () => {
    driver.create = () => new Promise(() => undefined);
    const dispatcher = make();
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    await dispatcher.abort(new StreamSpaceError('command_aborted', 'lost'));
    expect(clock.pending).toBe(0);
  });

  it('a drain lets what runs finish and starts nothing more', async () => {
    const held = gate();
    const dispatcher = make({ concurrency: 1 });
    dispatcher.dispatch(create('c1', 'a'), 1, peer);
    dispatcher.dispatch(create('c2', 'b'), 1, peer);
    const drained = dispatcher.drain(new AbortController().signal);
    held.open();
    await drained;
    await settled();
    expect(peer.said).toEqual(['ack c1/1', 'result c1/1']);
  });

  it.each<[string, { [K in keyof CommandMessage]?: CommandMessage[K] | undefined }, string]>([
    ['create_session', { spec: undefined }, 'invalid_request'],
    ['create_session', { session_id: 'b' }, 'invalid_request'],
    ['delete_session', { session_id: undefined }, 'invalid_request'],
    ['wake_session', { session_id: 'nobody' }, 'not_found'],
  ])('answers a %s with %j by %s', async (action, wrong, code) => {
    const command = { ...create('c1', 'a'), action, ...wrong } as CommandMessage;
    make().dispatch(command, 1, peer);
    await settled();
    expect(peer.said).toEqual(['ack c1/1', `result c1/1 ${code}`]);
  });

  it('passes the term on, and a driver’s own errors as driver_failed', async () => {
    driver.fail = new Error('boom');
    make().dispatch(create('c1', 'a'), 9, peer);
    await settled();
    expect(peer.messages[1]).toMatchObject({ error: { code: 'driver_failed', message: 'boom' } });
  });

  it('[CMD4] [CMD5] whatever is redelivered, each command has one effect, in order of its session', async () => {
    const deliveries = fc.array(fc.record({ id: fc.nat(8), repeat: fc.nat(3), wait: fc.nat(2) }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(deliveries, fc.integer({ min: 1, max: 4 }), async (plan, concurrency) => {
        clock = new VirtualClock();
        driver = new FakeDriver();
        peer = new Peer();
        const dispatcher = make({ concurrency });
        const first: number[] = [];
        let attempt = 0;
        for (const { id, repeat, wait } of plan) {
          if (!first.includes(id)) first.push(id);
          for (let n = 0; n <= repeat; n++) dispatcher.dispatch(create(`c${id}`, `s${id % 3}`, ++attempt), 1, peer);
          if (wait > 0) await clock.advance(wait);
        }
        await settled();
        expect([...driver.effects.values()].every((count) => count === 1)).toBe(true);
        expect(driver.effects.size).toBe(first.length);
        expect(driver.mostRunning).toBeLessThanOrEqual(concurrency);
        for (const session of [0, 1, 2]) {
          const order = [...driver.effects.keys()].map((id) => Number(id.slice(1))).filter((id) => id % 3 === session);
          expect(order).toEqual(first.filter((id) => id % 3 === session));
        }
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
