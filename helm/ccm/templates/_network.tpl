{{/* Holes that all services need. Each takes `root`. */}}

{{- define "ccm.network.scrapes" -}}
# Prometheus, and `helm test`. The kubelet's probes need no hole.
- ports: [{port: 9090, protocol: TCP}]
  from:
    - podSelector:
        matchLabels:
          {{- include "ccm.selector" (dict "root" .root "component" "test") | nindent 10 }}
    {{- with .root.Values.networkPolicy.scrapers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "ccm.network.out" -}}
{{- $values := .root.Values.networkPolicy -}}
# Names.
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
# The store.
- ports: [{port: {{ ternary 27017 $values.storePort .root.Values.mongodb.enabled }}, protocol: TCP}]
  {{- if .root.Values.mongodb.enabled }}
  to:
    - podSelector:
        matchLabels:
          {{- include "ccm.selector" (dict "root" .root "component" "mongodb") | nindent 10 }}
  {{- else if $values.store }}
  to:
    {{- toYaml $values.store | nindent 4 }}
  {{- end }}
# The bus.
- ports: [{{ range $n, $port := ternary (list 6379) $values.busPorts .root.Values.redis.enabled }}{{ if $n }}, {{ end }}{port: {{ $port }}, protocol: TCP}{{ end }}]
  {{- if .root.Values.redis.enabled }}
  to:
    - podSelector:
        matchLabels:
          {{- include "ccm.selector" (dict "root" .root "component" "redis") | nindent 10 }}
  {{- else if $values.bus }}
  to:
    {{- toYaml $values.bus | nindent 4 }}
  {{- end }}
{{- with $values.collector }}
# Traces.
- ports: [{port: {{ $values.collectorPort }}, protocol: TCP}]
  to:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}
