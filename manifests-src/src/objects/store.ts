import { and, given, not, or } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import type { Base } from './base.ts';
import { secretChecksum } from './pod.ts';
import { secretOf, type SecretRef } from './secrets.ts';

type Values = Refs<StreamspaceValues>;

/** The store of the hub's state. */
export interface StoreChoice {
  /** Valkey of this release. */
  readonly installed: Expr<boolean>;
  /** An external one. */
  readonly external: Expr<boolean>;
  readonly any: Expr<boolean>;
}

export function storeChoice(v: Values): StoreChoice {
  const external = or(given(v.redis.external.url), given(v.redis.external.existingSecret.name));
  return { external, installed: and(v.redis.enabled, not(external)), any: or(external, v.redis.enabled) };
}

/** Checksum of the installed Valkey's password, if the chart makes its Secret. */
export function redisPasswordChecksum(v: Values): ReturnType<typeof secretChecksum> {
  const [only, content] = secretChecksum(v.redis.auth.existingSecret.name, v.redis.auth.password);
  return [and(storeChoice(v).installed, only), content];
}

/** The installed Valkey's password, and whether there is one. */
export function redisPasswordSecret(base: Base, v: Values): SecretRef & { readonly used: Expr<boolean> } {
  const { auth } = v.redis;
  const hasOne = or(given(auth.existingSecret.name), given(auth.password));
  return {
    ...secretOf(auth.existingSecret, base.object('redis-auth'), 'password'),
    used: and(storeChoice(v).installed, hasOne),
  };
}
