import { expect, test } from 'vitest';
import { provable, SessionProofs } from '../../src/sessions/proof.ts';
import { status } from '../support/scripted-agent.ts';

const key = (byte: number) => Buffer.alloc(32, byte);
const { spec } = status('s1');
const proofs = new SessionProofs([key(1), key(2)]);
const about = provable('a1', { ...spec, env: { A: '1', B: '2' } });

test('S11 a proof holds for this agent, session, user and spec alone', () => {
  const proof = proofs.sign(about);
  expect(proof).toMatch(/^[\w-]{43}$/);
  expect(proofs.check(about, proof)).toBe('present');
  const other = (change: object, agent = 'a1') =>
    proofs.check(provable(agent, { ...spec, env: { A: '1', B: '2' }, ...change }), proof);
  expect(other({})).toBe('present');
  // in whatever order a platform gives them back; the proof itself is no part of it
  expect(other({ env: { B: '2', A: '1' }, proof })).toBe('present');
  for (const change of [{ id: 's2' }, { user: 'bob' }, { cpu: 2 }, { env: { A: '1' } }, { image: 'x' }, { name: 'x' }])
    expect(other(change), JSON.stringify(change)).toBe('none');
  expect(other({}, 'a2')).toBe('none');
  for (const wrong of [undefined, '', 'A'.repeat(43), proof.slice(1)]) expect(proofs.check(about, wrong)).toBe('none');
});

test('S11 a former key is believed and told apart; one that is gone is not', () => {
  expect(proofs.check(about, new SessionProofs([key(2)]).sign(about))).toBe('former');
  expect(proofs.check(about, new SessionProofs([key(3)]).sign(about))).toBe('none');
  expect(() => new SessionProofs([])).toThrow('without a key');
});
