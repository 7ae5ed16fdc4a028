import { allValues, and, concat, doubles, given, json, matches, missing, not, or, release } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import type { Base } from './base.ts';
import { type Check, refuse } from './check.ts';

const noToken = ({ shared: { enrolment } }: Base) =>
  and(missing(enrolment.token), missing(enrolment.existingSecret.name));

/** If hub and agent are of one release: an installed hub makes the token. */
export const tokenCheck = (base: Base, hub: Expr<boolean>): Check =>
  refuse(
    and(noToken(base), not(hub)),
    'enrolment: agents need a token; set enrolment.token (e.g. of `openssl rand -base64 32`), or enrolment.existingSecret.name, or api.enabled=true to install a hub, which makes one',
  );

/** The command that makes a token, and the Secret in which an agent alone has it. */
export function tokenCommand(base: Base): { readonly secret: Expr<string>; readonly command: Expr<string> } {
  const secret = base.object('k8s-agent-token');
  const value = '--from-literal=token=sse_$(openssl rand -hex 32)';
  return {
    secret,
    command: concat('kubectl -n ', release.namespace, ' create secret generic ', secret, ` ${value}`),
  };
}

/** If the hub is elsewhere, only the user can make the token, because both ends have to know it. */
export function aloneTokenCheck(base: Base): Check {
  const { secret, command } = tokenCommand(base);
  return refuse(
    noToken(base),
    concat(
      'enrolment.token: is required where the control plane is elsewhere; make one by: ',
      command,
      ', and set enrolment.existingSecret.name=',
      secret,
      '; the control plane has to know it too (docs/multi-agent.md)',
    ),
  );
}

/** Combinations of the values shared by hub and agents. */
export function sharedChecks(base: Base): Check[] {
  const { enrolment, ca } = base.shared;
  return [
    refuse(
      // Helm's toYaml would silently output nothing for a list or map that contains one of these
      matches(json(allValues), '[\u007f-\u009f\ufffe\uffff]|(^|[^\\\\])(\\\\\\\\)*\\\\u202[89]'),
      'values: a text has a control character in it (U+007F to U+009F, U+2028, U+2029, U+FFFE, U+FFFF), which readers of YAML take differently; remove it',
    ),
    refuse(
      and(given(enrolment.token), given(enrolment.existingSecret.name)),
      'enrolment: token and existingSecret.name are both set; leave one of them empty',
    ),
    refuse(
      given(doubles(base.pullSecrets.own, base.pullSecrets.global)),
      concat(
        'imagePullSecrets: ',
        doubles(base.pullSecrets.own, base.pullSecrets.global),
        ' is named twice, here or in global.imagePullSecrets too; name it once',
      ),
    ),
    refuse(
      or(
        and(given(ca.pem), given(ca.existingConfigMap)),
        and(given(ca.pem), given(ca.existingSecret)),
        and(given(ca.existingConfigMap), given(ca.existingSecret)),
      ),
      'ca: of pem, existingConfigMap and existingSecret more than one is set; leave the others empty',
    ),
    refuse(
      and(given(ca.pem), not(matches(ca.pem, '-----BEGIN CERTIFICATE-----'))),
      'ca.pem: holds no certificate; give PEM text with -----BEGIN CERTIFICATE-----',
    ),
    refuse(
      and(ca.pinned, not(base.hasCa)),
      'ca.pinned: there is no authority to pin; set ca.pem or ca.existingConfigMap',
    ),
  ];
}
