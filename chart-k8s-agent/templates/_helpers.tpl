{{- /* Generated from manifests-src by `npm run update`. */ -}}
{{/*
Name of the alerts’s objects.
*/}}
{{- define "streamspace-k8s-agent.alerts.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 56 }}
{{- print (regexReplaceAll "-+$" (trunc 47 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-alerts" }}
{{- else }}
{{- print (include "streamspace-k8s-agent.fullname" $) "-alerts" }}
{{- end }}
{{- end }}

{{/*
Labels by which the api’s pods are selected.
*/}}
{{- define "streamspace-k8s-agent.api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "streamspace-k8s-agent.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/component: api
{{- end }}

{{/*
Name of the ca’s objects.
*/}}
{{- define "streamspace-k8s-agent.ca.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 60 }}
{{- print (regexReplaceAll "-+$" (trunc 51 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-ca" }}
{{- else }}
{{- print (include "streamspace-k8s-agent.fullname" $) "-ca" }}
{{- end }}
{{- end }}

{{/*
Name of the enrolment’s objects.
*/}}
{{- define "streamspace-k8s-agent.enrolment.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 53 }}
{{- print (regexReplaceAll "-+$" (trunc 44 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-enrolment" }}
{{- else }}
{{- print (include "streamspace-k8s-agent.fullname" $) "-enrolment" }}
{{- end }}
{{- end }}

{{/*
What the names of a release’s objects start with.
*/}}
{{- define "streamspace-k8s-agent.fullname" -}}
{{- if $.Values.fullnameOverride }}
{{- $.Values.fullnameOverride }}
{{- else }}
{{- if or (contains (include "streamspace-k8s-agent.name" $) $.Release.Name) (hasSuffix $.Chart.Name (ternary (print "s-" (replace "." "-" $.Release.Name)) (replace "." "-" $.Release.Name) (regexMatch "^[0-9]" (replace "." "-" $.Release.Name)))) }}
{{- regexReplaceAll "-+$" (trunc 63 (ternary (print "s-" (replace "." "-" $.Release.Name)) (replace "." "-" $.Release.Name) (regexMatch "^[0-9]" (replace "." "-" $.Release.Name)))) "" }}
{{- else }}
{{- regexReplaceAll "-+$" (trunc 63 (print (ternary (print "s-" (replace "." "-" $.Release.Name)) (replace "." "-" $.Release.Name) (regexMatch "^[0-9]" (replace "." "-" $.Release.Name))) "-" (include "streamspace-k8s-agent.name" $))) "" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-election’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-election.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 44 }}
{{- print (regexReplaceAll "-+$" (trunc 35 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-election" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-election" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-leader-election’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-leader-election.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 37 }}
{{- print (regexReplaceAll "-+$" (trunc 28 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-leader-election" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-leader-election" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-pods’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-pods.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 48 }}
{{- print (regexReplaceAll "-+$" (trunc 39 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-pods" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-pods" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-session’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-session.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 45 }}
{{- print (regexReplaceAll "-+$" (trunc 36 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-session" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-session" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-sessions’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-sessions.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 44 }}
{{- print (regexReplaceAll "-+$" (trunc 35 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-sessions" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-sessions" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-test’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-test.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 48 }}
{{- print (regexReplaceAll "-+$" (trunc 39 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-test" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-test" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-token’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent-token.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 47 }}
{{- print (regexReplaceAll "-+$" (trunc 38 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent-token" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent-token" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 53 }}
{{- print (regexReplaceAll "-+$" (trunc 44 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-k8s-agent" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace-k8s-agent.fullname" $) "-")) "k8s-agent" }}
{{- end }}
{{- end }}

{{/*
Image of the k8s-agent.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent.image" -}}
{{- print (ternary (print (ternary $.Values.agent.image.registry $.Values.global.imageRegistry (not (empty $.Values.agent.image.registry))) "/") "" (not (empty (ternary $.Values.agent.image.registry $.Values.global.imageRegistry (not (empty $.Values.agent.image.registry)))))) $.Values.agent.image.repository (ternary (print "@" $.Values.agent.image.digest) (print ":" (ternary $.Values.agent.image.tag $.Chart.AppVersion (not (empty $.Values.agent.image.tag)))) (not (empty $.Values.agent.image.digest))) }}
{{- end }}

{{/*
Labels of the k8s-agent’s objects.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent.labels" -}}
{{ include "streamspace-k8s-agent.k8s-agent.selectorLabels" $ }}
app.kubernetes.io/version: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" $.Chart.AppVersion)) "" | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service | quote }}
app.kubernetes.io/part-of: streamspace
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" (print $.Chart.Name "-" $.Chart.Version))) "" | quote }}
{{- end }}

{{/*
Labels by which the k8s-agent’s pods are selected.
*/}}
{{- define "streamspace-k8s-agent.k8s-agent.selectorLabels" -}}
app.kubernetes.io/name: {{ include "streamspace-k8s-agent.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/component: k8s-agent
{{- end }}

{{/*
Labels of the release’s objects.
*/}}
{{- define "streamspace-k8s-agent.labels" -}}
app.kubernetes.io/name: {{ include "streamspace-k8s-agent.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/version: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" $.Chart.AppVersion)) "" | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service | quote }}
app.kubernetes.io/part-of: streamspace
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" (print $.Chart.Name "-" $.Chart.Version))) "" | quote }}
{{- end }}

{{/*
Name of the Lease by which replicas elect their leader.
*/}}
{{- define "streamspace-k8s-agent.leaseName" -}}
{{- if $.Values.ha.leaseName }}
{{- $.Values.ha.leaseName }}
{{- else }}
{{- if eq (include "streamspace-k8s-agent.fullname" $) "streamspace" }}
{{- "k8s-agent-leader-election" }}
{{- else }}
{{- include "streamspace-k8s-agent.k8s-agent-leader-election.fullname" $ }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Name of the application.
*/}}
{{- define "streamspace-k8s-agent.name" -}}
{{- if $.Values.nameOverride }}
{{- $.Values.nameOverride }}
{{- else }}
{{- if eq $.Chart.Name "k8s-agent" }}
{{- "streamspace" }}
{{- else }}
{{- regexReplaceAll "-+$" (trunc 63 (replace "_" "-" (lower $.Chart.Name))) "" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Namespace of the sessions.
*/}}
{{- define "streamspace-k8s-agent.sessionNamespace" -}}
{{- if $.Values.agent.namespace }}
{{- $.Values.agent.namespace }}
{{- else }}
{{- $.Release.Namespace }}
{{- end }}
{{- end }}

{{/*
Name of the test’s objects.
*/}}
{{- define "streamspace-k8s-agent.test.fullname" -}}
{{- if gt (len (include "streamspace-k8s-agent.fullname" $)) 58 }}
{{- print (regexReplaceAll "-+$" (trunc 49 (include "streamspace-k8s-agent.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace-k8s-agent.fullname" $))) "-test" }}
{{- else }}
{{- print (include "streamspace-k8s-agent.fullname" $) "-test" }}
{{- end }}
{{- end }}

{{/*
Milliseconds of a duration such as 1h30m.
*/}}
{{- define "streamspace.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $sum = add $sum (mul (int64 (regexReplaceAll "^0+([0-9])" (regexFind "[0-9]+" .) "$1")) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end }}

{{/*
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
{{- if regexMatch "^[a-z0-9][-a-z0-9.]*$" $name }}{{ $_ := set $walk.found "names" (append $walk.found.names $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "streamspace.walk" (dict "keys" $walk.keys "in" $value "found" $walk.found) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/*
Bytes of an amount such as 512Mi.
*/}}
{{- define "streamspace.bytes" -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- mulf (float64 (regexFind "^[0-9.]+" .)) (get $units (regexFind "[A-Za-z]*$" .)) -}}
{{- end }}
