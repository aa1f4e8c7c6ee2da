{{/* A map as TOML, one dotted key a line: JSON's texts, numbers and lists are TOML's. Takes `prefix` and `of`. */}}
{{- define "ccm.toml" -}}
{{- $prefix := .prefix -}}
{{- range $key, $value := .of -}}
{{- if kindIs "map" $value -}}
{{- include "ccm.toml" (dict "prefix" (printf "%s%s." $prefix $key) "of" $value) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- printf "%s%s = %s\n" $prefix $key (toRawJson $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Configuration of a service: what all have, what the chart must decide, what is its own. Takes `root` and `component`. */}}
{{- define "ccm.config" -}}
{{- $values := .root.Values -}}
{{- $config := deepCopy $values.config -}}
{{- if and (eq .component "scheduler") $values.simulate.enabled -}}
{{- $config = mergeOverwrite $config (include "ccm.config.simulated" .root | fromYaml) -}}
{{- end -}}
{{- $config = mergeOverwrite $config (deepCopy (get $values .component).config) -}}
{{- if and (eq .component "scheduler") $values.scheduler.cmlAuthorities -}}
{{- $config = mergeOverwrite $config (dict "cml" (dict "ca_file" "/etc/ccm/authorities/ca.crt")) -}}
{{- end -}}
{{- if and (eq .component "api") (eq (include "ccm.auth" .root) "dev") -}}
{{- /* The API refuses `dev` on any other address. */ -}}
{{- $config = mergeOverwrite $config (dict "http" (dict "listen" "127.0.0.1:8080")) -}}
{{- end -}}
{{- include "ccm.toml" (dict "prefix" "" "of" $config) -}}
{{- end -}}

{{/* Where the simulated world is, and schedules under which it moves: nobody is charged for looking often. */}}
{{- define "ccm.config.simulated" -}}
aws: {regions: [us-east-1, eu-central-1]}
cml:
  endpoint: http://{{ include "ccm.fullname" . }}-sim:8443/{instance_id}
  username: admin
jobs:
  observe_instances: {every: 5s}
  collect_measurements: {every: 10s, jitter: 5s}
  refresh_labs: {every: 10s, jitter: 5s}
  detect_activity: {every: 15s, jitter: 5s}
{{- end -}}

{{- define "ccm.auth" -}}
{{- dig "auth" "mode" "oidc" .Values.api.config -}}
{{- end -}}

{{/* Milliseconds of a length of time such as `1m30s`. */}}
{{- define "ccm.millis" -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .) -}}
{{- $sum = add $sum (mul (regexFind "^[0-9]+" . | int) $unit) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{/*
Seconds until Kubernetes kills: the phases of `[drain]` as a process runs them (streams beside jobs), two last
steps of 3 s for tasks and for stores, and a margin. Takes the values of a service.
*/}}
{{- define "ccm.grace" -}}
{{- $drain := .config.drain -}}
{{- $beside := max (include "ccm.millis" $drain.streams | int) (include "ccm.millis" $drain.jobs | int) -}}
{{- $phases := add (include "ccm.millis" $drain.delay) $beside (include "ccm.millis" $drain.requests) -}}
{{- add (divf $phases 1000 | ceil) 6 .graceMargin -}}
{{- end -}}
