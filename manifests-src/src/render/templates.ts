import type { ChartSource, NoteLine } from '../charts/chart.ts';
import { type Expr, isExpr, lift, NODE } from '../nodes/expression.ts';
import { goText, type Helpers } from '../nodes/go.ts';
import { OBJECT_NAME } from '../nodes/functions.ts';
import type { Helper } from '../nodes/expression.ts';
import { TemplateWriter } from '../nodes/template.ts';
import type { ReleaseObject } from '../objects/resource.ts';
import { BYTES, upgradeCheck } from './upgrade-check.ts';

const GENERATED = '{{- /* Generated from manifests-src by `npm run update`. */ -}}';

/** Named templates, written as they are first used; all uses of a name must mean the same. */
class NamedTemplates implements Helpers {
  readonly #prefix: string;
  readonly #writer = new TemplateWriter(this);
  readonly #written = new Map<string, string[]>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  use(helper: Helper): string {
    const name = `${this.#prefix}.${helper.name}`;
    const lines = [
      '{{/*',
      helper.about,
      '*/}}',
      `{{- define "${name}" -}}`,
      ...('text' in helper ? this.#writer.text(helper.text) : this.#writer.document({ [NODE]: helper.entries })),
      '{{- end }}',
    ];
    const before = this.#written.get(name);
    if (before !== undefined && before.join('\n') !== lines.join('\n'))
      throw new Error(`two named templates are called ${name}`);
    this.#written.set(name, lines);
    return name;
  }

  file(): string {
    const all = [...this.#written.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, lines]) => lines.join('\n'));
    return `${GENERATED}\n${[...all, MILLISECONDS, LISTS, BYTES].join('\n\n')}\n`;
  }
}

const MILLISECONDS = `{{/*
Milliseconds of a duration such as 1h30m.
*/}}
{{- define "streamspace.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $sum = add $sum (mul (int64 (regexReplaceAll "^0+([0-9])" (regexFind "[0-9]+" .) "$1")) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end }}`;

const LISTS = `{{/*
Names of items that are among the given names, or there twice.
*/}}
{{- define "streamspace.clashes" -}}
{{- $seen := list -}}
{{- $found := list -}}
{{- range .items -}}
{{- if or (has .name $.names) (has .name $seen) }}{{ $found = append $found .name }}{{ end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- join ", " $found -}}
{{- end }}

{{/*
Names of objects, given as texts or as references, as a JSON list.
*/}}
{{- define "streamspace.names" -}}
{{- $names := list -}}
{{- range . -}}
{{- if kindIs "string" . }}{{ $names = append $names . }}{{ else }}{{ $names = append $names .name }}{{ end -}}
{{- end -}}
{{- toRawJson $names -}}
{{- end }}

{{/*
What is in a list more than once.
*/}}
{{- define "streamspace.doubles" -}}
{{- $seen := list -}}
{{- $found := list -}}
{{- range . -}}
{{- if has . $seen }}{{ $found = append $found . }}{{ end -}}
{{- $seen = append $seen . -}}
{{- end -}}
{{- join ", " $found -}}
{{- end }}

{{/*
Ids of templates of which pods are kept ready, without the variable at that value in their env.
*/}}
{{- define "streamspace.notReady" -}}
{{- $found := list -}}
{{- range .templates -}}
{{- if gt (int64 (default 0 .warm)) 0 -}}
{{- if ne (toString (get (default (dict) .env) $.variable)) $.value }}{{ $found = append $found .id }}{{ end -}}
{{- end -}}
{{- end -}}
{{- join ", " $found -}}
{{- end }}

{{/*
Ids that are there more than once.
*/}}
{{- define "streamspace.twice" -}}
{{- $ids := list -}}
{{- range . }}{{ $ids = append $ids .id }}{{ end -}}
{{- include "streamspace.doubles" $ids -}}
{{- end }}

{{/*
Names of objects under any of the given keys, as a JSON list.
*/}}
{{- define "streamspace.namesUnder" -}}
{{- $found := dict "names" (list) -}}
{{- include "streamspace.walk" (dict "keys" .keys "in" .in "found" $found) -}}
{{- toRawJson (uniq $found.names) -}}
{{- end }}

{{/*
Adds the names under any of the given keys to those found.
*/}}
{{- define "streamspace.walk" -}}
{{- $walk := . -}}
{{- if kindIs "slice" .in -}}
{{- range .in }}{{ include "streamspace.walk" (dict "keys" $walk.keys "in" . "found" $walk.found) }}{{ end -}}
{{- else if kindIs "map" .in -}}
{{- range $key, $value := .in -}}
{{- if has $key $walk.keys -}}
{{- $items := list $value -}}
{{- if kindIs "slice" $value }}{{ $items = $value }}{{ end -}}
{{- range $items -}}
{{- $name := . -}}
{{- if kindIs "map" . }}{{ $name = get . "name" }}{{ end -}}
{{- if kindIs "string" $name -}}
{{- if regexMatch "${OBJECT_NAME}" $name }}{{ $_ := set $walk.found "names" (append $walk.found.names $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "streamspace.walk" (dict "keys" $walk.keys "in" $value "found" $walk.found) -}}
{{- end -}}
{{- end -}}
{{- end }}`;

/** Files below templates/ of a chart, by their paths there. */
export function templatesOf(source: ChartSource): Map<string, string> {
  const helpers = new NamedTemplates(source.prefix);
  const writer = new TemplateWriter(helpers);
  const files = new Map<string, string[]>();
  for (const resource of source.resources) {
    files.set(resource.file, [...(files.get(resource.file) ?? []), ...document(writer, resource)]);
  }
  const written = [...files].map(([file, lines]) => [file, `${[GENERATED, ...lines].join('\n')}\n`] as const);
  const checks = checksFile(source, writer, helpers);
  const notes = notesFile(source.notes, writer, helpers);
  return new Map<string, string>([
    ...written,
    ['checks.yaml', checks],
    [
      'extra-objects.yaml',
      `${GENERATED}\n{{- range $.Values.extraObjects }}\n---\n{{ if kindIs "string" . }}{{ tpl . $ }}{{ else }}{{ toYaml . }}{{ end }}\n{{- end }}\n`,
    ],
    ['NOTES.txt', notes],
    ['_helpers.tpl', helpers.file()],
  ]);
}

function document(writer: TemplateWriter, { when, tree }: ReleaseObject): string[] {
  const lines = ['---', ...writer.document(tree)];
  const node = when[NODE];
  return node.kind === 'literal' && node.value === true ? lines : [writer.condition(when), ...lines, '{{- end }}'];
}

function checksFile(source: ChartSource, writer: TemplateWriter, helpers: Helpers): string {
  const lines = source.checks.flatMap(({ when, say }) => [
    writer.condition(when),
    `{{- $problems = append $problems (${goText(lift(say), helpers)}) }}`,
    '{{- end }}',
  ]);
  return [
    '{{- /* Generated from manifests-src by `npm run update`: combinations of values that can’t work. */ -}}',
    '{{- $problems := list }}',
    ...lines,
    ...(source.fixedClaim === undefined ? [] : upgradeCheck(source.fixedClaim, helpers)),
    '{{- if $problems }}',
    '{{- fail (join "\\n" $problems) }}',
    '{{- end }}',
    '',
  ].join('\n');
}

function notesFile(notes: readonly NoteLine[], writer: TemplateWriter, helpers: Helpers): string {
  const isList = (line: NoteLine): line is readonly (string | Expr<string>)[] => Array.isArray(line);
  const write = (line: NoteLine): string[] =>
    isList(line)
      ? [line.map((part) => (isExpr(part) ? `{{ ${goText(part, helpers)} }}` : part)).join('')]
      : [writer.condition(line.when), ...line.lines.flatMap(write), '{{- end }}'];
  return `${notes.flatMap(write).join('\n')}\n`;
}
