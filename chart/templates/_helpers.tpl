{{- /* Generated from manifests-src by `npm run update`. */ -}}
{{/*
Name of the alerts’s objects.
*/}}
{{- define "streamspace.alerts.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 56 }}
{{- print (regexReplaceAll "-+$" (trunc 47 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-alerts" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-alerts" }}
{{- end }}
{{- end }}

{{/*
Name of the api-auth’s objects.
*/}}
{{- define "streamspace.api-auth.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 54 }}
{{- print (regexReplaceAll "-+$" (trunc 45 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-auth" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-auth" }}
{{- end }}
{{- end }}

{{/*
Name of the api-peers’s objects.
*/}}
{{- define "streamspace.api-peers.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 53 }}
{{- print (regexReplaceAll "-+$" (trunc 44 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-peers" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-peers" }}
{{- end }}
{{- end }}

{{/*
Name of the api-providers’s objects.
*/}}
{{- define "streamspace.api-providers.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 49 }}
{{- print (regexReplaceAll "-+$" (trunc 40 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-providers" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-providers" }}
{{- end }}
{{- end }}

{{/*
Name of the api-quotas’s objects.
*/}}
{{- define "streamspace.api-quotas.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 52 }}
{{- print (regexReplaceAll "-+$" (trunc 43 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-quotas" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-quotas" }}
{{- end }}
{{- end }}

{{/*
Name of the api-secrets’s objects.
*/}}
{{- define "streamspace.api-secrets.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 51 }}
{{- print (regexReplaceAll "-+$" (trunc 42 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-secrets" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-secrets" }}
{{- end }}
{{- end }}

{{/*
Name of the api-templates’s objects.
*/}}
{{- define "streamspace.api-templates.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 49 }}
{{- print (regexReplaceAll "-+$" (trunc 40 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-templates" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-templates" }}
{{- end }}
{{- end }}

{{/*
Name of the api-test’s objects.
*/}}
{{- define "streamspace.api-test.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 54 }}
{{- print (regexReplaceAll "-+$" (trunc 45 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api-test" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api-test" }}
{{- end }}
{{- end }}

{{/*
Name of the api’s objects.
*/}}
{{- define "streamspace.api.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 59 }}
{{- print (regexReplaceAll "-+$" (trunc 50 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-api" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-api" }}
{{- end }}
{{- end }}

{{/*
Image of the api.
*/}}
{{- define "streamspace.api.image" -}}
{{- print (ternary (print (ternary $.Values.api.image.registry $.Values.global.imageRegistry (not (empty $.Values.api.image.registry))) "/") "" (not (empty (ternary $.Values.api.image.registry $.Values.global.imageRegistry (not (empty $.Values.api.image.registry)))))) $.Values.api.image.repository (ternary (print "@" $.Values.api.image.digest) (print ":" (ternary $.Values.api.image.tag $.Chart.AppVersion (not (empty $.Values.api.image.tag)))) (not (empty $.Values.api.image.digest))) }}
{{- end }}

{{/*
Labels of the api’s objects.
*/}}
{{- define "streamspace.api.labels" -}}
{{ include "streamspace.api.selectorLabels" $ }}
app.kubernetes.io/version: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" $.Chart.AppVersion)) "" | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service | quote }}
app.kubernetes.io/part-of: streamspace
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" (print $.Chart.Name "-" $.Chart.Version))) "" | quote }}
{{- end }}

{{/*
Labels by which the api’s pods are selected.
*/}}
{{- define "streamspace.api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "streamspace.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/component: api
{{- end }}

{{/*
Name of the ca’s objects.
*/}}
{{- define "streamspace.ca.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 60 }}
{{- print (regexReplaceAll "-+$" (trunc 51 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-ca" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-ca" }}
{{- end }}
{{- end }}

{{/*
Name of the dashboard’s objects.
*/}}
{{- define "streamspace.dashboard.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 53 }}
{{- print (regexReplaceAll "-+$" (trunc 44 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-dashboard" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-dashboard" }}
{{- end }}
{{- end }}

{{/*
Name of the enrolment’s objects.
*/}}
{{- define "streamspace.enrolment.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 53 }}
{{- print (regexReplaceAll "-+$" (trunc 44 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-enrolment" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-enrolment" }}
{{- end }}
{{- end }}

{{/*
What the names of a release’s objects start with.
*/}}
{{- define "streamspace.fullname" -}}
{{- if $.Values.fullnameOverride }}
{{- $.Values.fullnameOverride }}
{{- else }}
{{- if or (contains (include "streamspace.name" $) $.Release.Name) (hasSuffix $.Chart.Name (ternary (print "s-" (replace "." "-" $.Release.Name)) (replace "." "-" $.Release.Name) (regexMatch "^[0-9]" (replace "." "-" $.Release.Name)))) }}
{{- regexReplaceAll "-+$" (trunc 63 (ternary (print "s-" (replace "." "-" $.Release.Name)) (replace "." "-" $.Release.Name) (regexMatch "^[0-9]" (replace "." "-" $.Release.Name)))) "" }}
{{- else }}
{{- regexReplaceAll "-+$" (trunc 63 (print (ternary (print "s-" (replace "." "-" $.Release.Name)) (replace "." "-" $.Release.Name) (regexMatch "^[0-9]" (replace "." "-" $.Release.Name))) "-" (include "streamspace.name" $))) "" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-election’s objects.
*/}}
{{- define "streamspace.k8s-agent-election.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 44 }}
{{- print (regexReplaceAll "-+$" (trunc 35 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent-election" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent-election" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-leader-election’s objects.
*/}}
{{- define "streamspace.k8s-agent-leader-election.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 37 }}
{{- print (regexReplaceAll "-+$" (trunc 28 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent-leader-election" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent-leader-election" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-pods’s objects.
*/}}
{{- define "streamspace.k8s-agent-pods.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 48 }}
{{- print (regexReplaceAll "-+$" (trunc 39 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent-pods" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent-pods" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-session’s objects.
*/}}
{{- define "streamspace.k8s-agent-session.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 45 }}
{{- print (regexReplaceAll "-+$" (trunc 36 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent-session" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent-session" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-sessions’s objects.
*/}}
{{- define "streamspace.k8s-agent-sessions.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 44 }}
{{- print (regexReplaceAll "-+$" (trunc 35 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent-sessions" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent-sessions" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent-test’s objects.
*/}}
{{- define "streamspace.k8s-agent-test.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 48 }}
{{- print (regexReplaceAll "-+$" (trunc 39 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent-test" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent-test" }}
{{- end }}
{{- end }}

{{/*
Name of the k8s-agent’s objects.
*/}}
{{- define "streamspace.k8s-agent.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 53 }}
{{- print (regexReplaceAll "-+$" (trunc 44 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-k8s-agent" }}
{{- else }}
{{- print (trimSuffix "k8s-agent-" (print (include "streamspace.fullname" $) "-")) "k8s-agent" }}
{{- end }}
{{- end }}

{{/*
Image of the k8s-agent.
*/}}
{{- define "streamspace.k8s-agent.image" -}}
{{- print (ternary (print (ternary $.Values.k8sAgent.image.registry $.Values.global.imageRegistry (not (empty $.Values.k8sAgent.image.registry))) "/") "" (not (empty (ternary $.Values.k8sAgent.image.registry $.Values.global.imageRegistry (not (empty $.Values.k8sAgent.image.registry)))))) $.Values.k8sAgent.image.repository (ternary (print "@" $.Values.k8sAgent.image.digest) (print ":" (ternary $.Values.k8sAgent.image.tag $.Chart.AppVersion (not (empty $.Values.k8sAgent.image.tag)))) (not (empty $.Values.k8sAgent.image.digest))) }}
{{- end }}

{{/*
Labels of the k8s-agent’s objects.
*/}}
{{- define "streamspace.k8s-agent.labels" -}}
{{ include "streamspace.k8s-agent.selectorLabels" $ }}
app.kubernetes.io/version: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" $.Chart.AppVersion)) "" | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service | quote }}
app.kubernetes.io/part-of: streamspace
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" (print $.Chart.Name "-" $.Chart.Version))) "" | quote }}
{{- end }}

{{/*
Labels by which the k8s-agent’s pods are selected.
*/}}
{{- define "streamspace.k8s-agent.selectorLabels" -}}
app.kubernetes.io/name: {{ include "streamspace.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/component: k8s-agent
{{- end }}

{{/*
Labels of the release’s objects.
*/}}
{{- define "streamspace.labels" -}}
app.kubernetes.io/name: {{ include "streamspace.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/version: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" $.Chart.AppVersion)) "" | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service | quote }}
app.kubernetes.io/part-of: streamspace
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" (print $.Chart.Name "-" $.Chart.Version))) "" | quote }}
{{- end }}

{{/*
Name of the Lease by which replicas elect their leader.
*/}}
{{- define "streamspace.leaseName" -}}
{{- if $.Values.k8sAgent.ha.leaseName }}
{{- $.Values.k8sAgent.ha.leaseName }}
{{- else }}
{{- if eq (include "streamspace.fullname" $) "streamspace" }}
{{- "k8s-agent-leader-election" }}
{{- else }}
{{- include "streamspace.k8s-agent-leader-election.fullname" $ }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Settings of the hub whose Secrets nobody gave: it makes them itself.
*/}}
{{- define "streamspace.madeSecrets" -}}
{{- print (ternary "JWT_SECRET," "" (and (not (not (empty $.Values.api.auth.jwksUrl))) (and $.Values.api.enabled (not (not (empty $.Values.api.auth.existingSecret.name))) (not (not (empty $.Values.api.auth.secret)))))) (ternary "HUB_PEER_SECRET," "" (and (not (empty $.Values.api.auth.jwksUrl)) (and $.Values.api.enabled (not (not (empty $.Values.api.peers.existingSecret.name))) (not (not (empty $.Values.api.peers.secret)))))) (ternary "ENROLMENT_TOKEN," "" (and $.Values.api.enabled (not (not (empty $.Values.enrolment.existingSecret.name))) (not (not (empty $.Values.enrolment.token))))) }}
{{- end }}

{{/*
Name of the application.
*/}}
{{- define "streamspace.name" -}}
{{- if $.Values.nameOverride }}
{{- $.Values.nameOverride }}
{{- else }}
{{- if eq $.Chart.Name "streamspace" }}
{{- "streamspace" }}
{{- else }}
{{- regexReplaceAll "-+$" (trunc 63 (replace "_" "-" (lower $.Chart.Name))) "" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Name of the redis-auth’s objects.
*/}}
{{- define "streamspace.redis-auth.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 52 }}
{{- print (regexReplaceAll "-+$" (trunc 43 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-redis-auth" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-redis-auth" }}
{{- end }}
{{- end }}

{{/*
Name of the redis’s objects.
*/}}
{{- define "streamspace.redis.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 46 }}
{{- print (regexReplaceAll "-+$" (trunc 37 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-redis" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-redis" }}
{{- end }}
{{- end }}

{{/*
Image of the redis.
*/}}
{{- define "streamspace.redis.image" -}}
{{- print (ternary (print (ternary $.Values.redis.image.registry $.Values.global.imageRegistry (not (empty $.Values.redis.image.registry))) "/") "" (not (empty (ternary $.Values.redis.image.registry $.Values.global.imageRegistry (not (empty $.Values.redis.image.registry)))))) $.Values.redis.image.repository (ternary (print "@" $.Values.redis.image.digest) (print ":" (ternary $.Values.redis.image.tag $.Chart.AppVersion (not (empty $.Values.redis.image.tag)))) (not (empty $.Values.redis.image.digest))) }}
{{- end }}

{{/*
Labels of the redis’s objects.
*/}}
{{- define "streamspace.redis.labels" -}}
{{ include "streamspace.redis.selectorLabels" $ }}
app.kubernetes.io/version: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" $.Chart.AppVersion)) "" | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service | quote }}
app.kubernetes.io/part-of: streamspace
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (trunc 63 (replace "+" "_" (print $.Chart.Name "-" $.Chart.Version))) "" | quote }}
{{- end }}

{{/*
Labels by which the redis’s pods are selected.
*/}}
{{- define "streamspace.redis.selectorLabels" -}}
app.kubernetes.io/name: {{ include "streamspace.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/component: redis
{{- end }}

{{/*
Namespace of the sessions.
*/}}
{{- define "streamspace.sessionNamespace" -}}
{{- if $.Values.k8sAgent.config.namespace }}
{{- $.Values.k8sAgent.config.namespace }}
{{- else }}
{{- $.Release.Namespace }}
{{- end }}
{{- end }}

{{/*
Name of the test’s objects.
*/}}
{{- define "streamspace.test.fullname" -}}
{{- if gt (len (include "streamspace.fullname" $)) 58 }}
{{- print (regexReplaceAll "-+$" (trunc 49 (include "streamspace.fullname" $)) "") "-" (trunc 8 (sha256sum (include "streamspace.fullname" $))) "-test" }}
{{- else }}
{{- print (include "streamspace.fullname" $) "-test" }}
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
