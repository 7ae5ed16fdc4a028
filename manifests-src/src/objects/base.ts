import {
  chart,
  choose,
  concat,
  contains,
  endsWith,
  eq,
  given,
  gt,
  length,
  lower,
  matches,
  objectNames,
  merge,
  or,
  orElse,
  release,
  replace,
  sha256,
  trimDashes,
  trimSeparators,
  trimSuffix,
  trunc,
} from '../nodes/build.ts';
import { type Expr, lift } from '../nodes/expression.ts';
import { named } from '../nodes/helper.ts';
import { type EntryMap, entries, namedEntries, spread, type Tree } from '../nodes/tree.ts';
import type { k8s } from 'cdk8s-plus-28';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';

type Root = Refs<StreamspaceValues>;
type TextMap = Expr<Readonly<Record<string, string>>>;

/** Values that both charts have at their root. */
export type SharedValues = Pick<
  Root,
  | 'global'
  | 'nameOverride'
  | 'fullnameOverride'
  | 'commonLabels'
  | 'commonAnnotations'
  | 'imagePullSecrets'
  | 'argocd'
  | 'enrolment'
  | 'ca'
> & {
  readonly networkPolicy: Pick<
    Root['networkPolicy'],
    'enabled' | 'preset' | 'apiServer' | 'dns' | 'controlPlane' | 'proxy' | 'agent' | 'metrics' | 'sessions'
  >;
};

/** The longest name that every kind of object may have. */
const LONGEST = 63;
/** Longest name of a StatefulSet: a label of its pods adds a dash and ten characters. */
const LONGEST_SET = 52;

export type Component = 'api' | 'k8s-agent' | 'redis';

const AGENT: Component = 'k8s-agent';

/** On every pod of ours, of any chart, release and version. */
export const PART_OF = { 'app.kubernetes.io/part-of': 'streamspace' } as const;

/** Order in which Argo CD applies objects. */
export const WAVES = { namespace: -4, sessions: -3, settings: -2, store: -1, hub: 0, agent: 1, rest: 2 } as const;

/** Names, labels and metadata of a chart's objects, by Helm's conventions. */
export class Base {
  readonly shared: SharedValues;
  readonly name: Expr<string>;
  readonly fullname: Expr<string>;
  /** Names of the Secrets with registry credentials: the chart's own, and those shared with other charts. */
  readonly pullSecrets: { readonly own: Expr<readonly string[]>; readonly global: Expr<readonly string[]> };

  /** `chartName`: name of the chart if no parent chart gave it an alias. */
  constructor(shared: SharedValues, chartName: string) {
    this.shared = shared;
    this.pullSecrets = {
      own: objectNames(shared.imagePullSecrets),
      global: objectNames(shared.global.imagePullSecrets),
    };
    // two aliases of a chart in one release are two applications
    const alias = trimDashes(trunc(replace(lower(chart.name), '_', '-'), LONGEST));
    this.name = named(
      'name',
      'Name of the application.',
      orElse(shared.nameOverride, choose(eq(chart.name, chartName), 'streamspace', alias)),
    );
    const cut = (x: Expr<string>) => trimDashes(trunc(x, LONGEST));
    // a Helm release may be called 9.lives, a Service may not
    const label = replace(release.name, '.', '-');
    const own = choose(matches(label, '^[0-9]'), concat('s-', label), label);
    this.fullname = named(
      'fullname',
      'What the names of a release’s objects start with.',
      choose(
        given(shared.fullnameOverride),
        shared.fullnameOverride,
        choose(
          or(contains(release.name, this.name), endsWith(own, chart.name)),
          cut(own),
          cut(concat(own, '-', this.name)),
        ),
      ),
    );
  }

  /**
   * `<fullname>-<suffix>`, at most 63 characters (or `longest`): a hash replaces the cut-off part. A release whose name ends in
   * the suffix does not repeat it: `streamspace-k8s-agent`.
   */
  object(suffix: string, longest = suffix === 'redis' ? LONGEST_SET : LONGEST): Expr<string> {
    const room = longest - suffix.length - 1;
    return named(
      `${suffix}.fullname`,
      `Name of the ${suffix}’s objects.`,
      choose(
        gt(length(this.fullname), room),
        concat(trimDashes(trunc(this.fullname, room - 9)), '-', trunc(sha256(this.fullname), 8), `-${suffix}`),
        suffix.startsWith(AGENT)
          ? concat(trimSuffix(concat(this.fullname, '-'), `${AGENT}-`), suffix)
          : concat(this.fullname, `-${suffix}`),
      ),
    );
  }

  /** Never changes between versions: selectors are immutable. */
  selector(component: Component): EntryMap<Record<string, string>> {
    return namedEntries(
      `${component}.selectorLabels`,
      `Labels by which the ${component}’s pods are selected.`,
      entries({
        'app.kubernetes.io/name': this.name,
        'app.kubernetes.io/instance': release.name,
        'app.kubernetes.io/component': component,
      }),
    );
  }

  /** A label of a Service, for monitors: Argo CD puts its own Application's name into app.kubernetes.io/instance. */
  mark(component: Component): { 'streamspace.dev/service': Expr<string> } {
    return { 'streamspace.dev/service': this.object(component) };
  }

  /** Labels for manual selection: `-l app=streamspace,component=api`. In no selector of ours; a user's own labels override them. */
  short(component: Component): TextMap {
    return lift({ app: 'streamspace', component });
  }

  /** Labels of the pods that `helm test` runs. */
  get test() {
    return {
      'app.kubernetes.io/name': this.name,
      'app.kubernetes.io/instance': release.name,
      'app.kubernetes.io/component': 'test',
    };
  }

  labels(component?: Component): EntryMap<Record<string, string>> {
    return namedEntries(
      component === undefined ? 'labels' : `${component}.labels`,
      `Labels of the ${component === undefined ? 'release' : component}’s objects.`,
      entries<Record<string, string>>(
        component === undefined
          ? { 'app.kubernetes.io/name': this.name, 'app.kubernetes.io/instance': release.name }
          : this.selector(component),
        {
          'app.kubernetes.io/version': labelled(chart.appVersion),
          'app.kubernetes.io/managed-by': release.service,
          'app.kubernetes.io/part-of': 'streamspace',
          'helm.sh/chart': labelled(concat(chart.name, '-', chart.version)),
        },
      ),
    );
  }

  /** Labels of a component's pods: the selector's, and the user's. */
  podLabels(component: Component, more: TextMap): Tree<Record<string, string>> {
    return entries<Record<string, string>>(
      this.selector(component),
      PART_OF,
      spread(merge(more, this.shared.commonLabels, this.short(component))),
    );
  }

  #annotations(wave: number, more: readonly TextMap[]): Tree<Record<string, string>> {
    const { commonAnnotations } = this.shared;
    return entries<Record<string, string>>(spread(merge(...more, commonAnnotations, this.order(wave))));
  }

  /** The annotation for Argo CD's order of objects, if enabled. */
  order(wave: number): TextMap {
    return choose<Readonly<Record<string, string>>>(
      this.shared.argocd.syncWaves,
      { 'argocd.argoproj.io/sync-wave': `${wave}` },
      {},
    );
  }

  /** Metadata of an object in the release's namespace, or in another one, or in none (null). */
  meta(
    name: Expr<string>,
    options: {
      component?: Component;
      wave: number;
      annotations?: readonly TextMap[];
      labels?: TextMap;
      /** Labels that follow the common ones. */
      fallbackLabels?: TextMap;
      /** Labels that users can't set. */
      marks?: Readonly<Record<string, Expr<string>>>;
      namespace?: Expr<string> | null;
    },
  ): Tree<k8s.ObjectMeta> {
    const { commonLabels } = this.shared;
    const { labels, fallbackLabels } = options;
    const all = [labels, commonLabels, fallbackLabels].filter((each) => each !== undefined);
    return {
      name,
      namespace: options.namespace === null ? undefined : (options.namespace ?? release.namespace),
      labels: entries<Record<string, string>>(
        this.labels(options.component),
        options.marks ?? {},
        spread(all.length === 1 ? commonLabels : merge(...all)),
      ),
      annotations: this.#annotations(options.wave, options.annotations ?? []),
    };
  }

  image(component: Component, image: Root['api']['image']): Expr<string> {
    const registry = choose(given(image.registry), image.registry, this.shared.global.imageRegistry);
    return named(
      `${component}.image`,
      `Image of the ${component}.`,
      concat(
        choose(given(registry), concat(registry, '/'), ''),
        image.repository,
        choose(given(image.digest), concat('@', image.digest), concat(':', orElse(image.tag, chart.appVersion))),
      ),
    );
  }

  get hasCa(): Expr<boolean> {
    const { ca } = this.shared;
    return or(given(ca.existingConfigMap), given(ca.existingSecret), given(ca.pem));
  }
}

/** A version in the form of a label. */
const labelled = (version: Expr<string>): Expr<string> => trimSeparators(trunc(replace(version, '+', '_'), LONGEST));

export const always = lift(true);
