import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentCodec,
  AgentMessages,
  blockedFrame,
  creditFrame,
  dataFrame,
  decodeFrame,
  endFrame,
  ERROR_CODES,
  errorOfClose,
  ERRORS,
  hubCodec,
  HubMessages,
  LIMITS,
  negotiateVersion,
  StreamSpaceError,
} from '@streamspace/protocol';

const golden = new URL('../golden/', import.meta.url);
const codeOf = (call: () => unknown): string => {
  try {
    call();
    return 'no error';
  } catch (error) {
    return (error as StreamSpaceError).code;
  }
};

describe.each([
  ['agent', agentCodec, AgentMessages],
  ['hub', hubCodec, HubMessages],
] as const)('%s messages', (side, codec, schemas) => {
  const files = readdirSync(new URL(`${side}/`, golden));

  it('each has a golden file, and no file is left over', () => {
    expect(files.map((file) => file.replace('.json', '')).toSorted()).toEqual(Object.keys(schemas).toSorted());
  });

  it.each(files)('%s is written and read byte for byte', (file) => {
    const text = readFileSync(new URL(`${side}/${file}`, golden), 'utf8').trimEnd();
    const message = codec.decode(text);
    expect(codec.encode(message as never)).toBe(text);
  });

  it.each(files)('[WIRE3] %s: unknown fields pass, a missing one does not', (file) => {
    const message = JSON.parse(readFileSync(new URL(`${side}/${file}`, golden), 'utf8')) as Record<string, unknown>;
    expect(codec.decode(JSON.stringify({ ...message, added_in_version_9: 1 })).type).toBe(message.type);
    const required = (schemas as Record<string, { required?: string[] }>)[message.type as string]!.required!.filter(
      (name) => name !== 'type',
    );
    for (const name of required) {
      const { [name]: _, ...rest } = message;
      expect(codeOf(() => codec.decode(JSON.stringify(rest)))).toBe('malformed_frame');
    }
  });
});

describe('text frames', () => {
  it('failure 1: [WIRE2] two messages joined by a newline are one malformed frame, not a lost batch', () => {
    const ack = agentCodec.encode({ type: 'ack', command_id: 'c-1', attempt: 1 });
    expect(codeOf(() => agentCodec.decode(`${ack}\n${ack}`))).toBe('malformed_frame');
  });

  it.each([
    ['', 'malformed_frame'],
    ['null', 'malformed_frame'],
    ['[]', 'malformed_frame'],
    ['7', 'malformed_frame'],
    ['{', 'malformed_frame'],
    ['{}', 'unknown_message'],
    ['{"type":"welcome"}', 'unknown_message'],
    ['{"type":"__proto__"}', 'unknown_message'],
    ['{"type":"ack","command_id":"c-1","attempt":0}', 'malformed_frame'],
    ['{"type":"ack","command_id":"../etc","attempt":1}', 'malformed_frame'],
  ])('[WIRE2] %j is %s', (frame, code) => {
    expect(codeOf(() => agentCodec.decode(frame))).toBe(code);
  });

  it('[WIRE4] an oversized one is refused before it is parsed', () => {
    expect(codeOf(() => agentCodec.decode('x'.repeat(LIMITS.controlMessage + 1)))).toBe('message_too_large');
  });

  it('names the wrong field', () => {
    expect(() => agentCodec.decode('{"type":"ack","command_id":"c-1","attempt":"1"}')).toThrow(/ack\/attempt/);
  });

  it('our own mistakes do not reach the wire', () => {
    expect(codeOf(() => agentCodec.encode({ type: 'ack', command_id: 'C 1', attempt: 1 }))).toBe('invalid_request');
  });

  it('fuzz: whatever JSON comes in, it is a message or a named error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .record({ type: fc.constantFrom(...Object.keys(AgentMessages)), seq: fc.anything(), spec: fc.anything() })
            .map((v) => JSON.stringify(v) ?? ''),
        ),
        (frame) => {
          expect(codeOf(() => agentCodec.decode(frame))).toMatch(/no error|malformed_frame|unknown_message/);
          expect(codeOf(() => hubCodec.decode(frame))).toMatch(/no error|malformed_frame|unknown_message/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('binary frames', () => {
  const hex = JSON.parse(readFileSync(new URL('frames.json', golden), 'utf8')) as Record<string, string>;

  it('[STR1] match the golden bytes', () => {
    expect(Object.values(hex)).toEqual(
      [dataFrame(1, Buffer.from('RFB')), creditFrame(2, 262_144), endFrame(258), blockedFrame(0xffffffff)].map(
        (frame) => frame.toString('hex'),
      ),
    );
  });

  it('[STR1] read what they write', () => {
    expect(Object.values(hex).map((text) => decodeFrame(Buffer.from(text, 'hex')))).toEqual([
      { kind: 'data', streamId: 1, data: Buffer.from('RFB') },
      { kind: 'credit', streamId: 2, credit: 262_144 },
      { kind: 'end', streamId: 258 },
      { kind: 'blocked', streamId: 0xffffffff },
    ]);
  });

  it.each([
    ['', 'malformed_frame'],
    ['01000000', 'malformed_frame'],
    ['0100000001', 'malformed_frame'],
    ['010000000041', 'malformed_frame'],
    ['0200000001ffff', 'malformed_frame'],
    ['030000000100', 'malformed_frame'],
    ['0500000001', 'malformed_frame'],
    [`0100000001${'00'.repeat(LIMITS.dataFrame + 1)}`, 'message_too_large'],
  ])('[STR1] [WIRE4] %.20s… is %s', (text, code) => {
    expect(codeOf(() => decodeFrame(Buffer.from(text, 'hex')))).toBe(code);
  });
});

describe('versions and errors', () => {
  it('[VER1] the newest common version is taken', () => {
    expect(negotiateVersion([4, 3, 2])).toBe(3);
    expect(negotiateVersion([2, 1])).toBe(2);
    expect(negotiateVersion([5, 4])).toBeUndefined();
  });

  it('[ERR1] every close code of ours names one error', () => {
    const own = ERROR_CODES.filter((code) => ERRORS[code].close >= 4000);
    expect(new Set(own.map((code) => ERRORS[code].close)).size).toBe(own.length);
    for (const code of own) expect(errorOfClose(ERRORS[code].close)).toBe(code);
  });

  it('[ERR1] an error in JSON has its code, message and whether to try again', () => {
    expect(new StreamSpaceError('stale_term', 'term 3 is not greater than 4', { term: 4 }).toJSON()).toEqual({
      code: 'stale_term',
      message: 'term 3 is not greater than 4',
      retryable: true,
      details: { term: 4 },
    });
  });
});
