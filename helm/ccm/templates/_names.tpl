{{/* Name of the chart's objects: 40 characters leave room for what is added behind. */}}
{{- define "ccm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "ccm.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "ccm.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ccm.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select. Selectors are immutable: never add to them. Takes `root` and `component`. */}}
{{- define "ccm.selector" -}}
app.kubernetes.io/name: {{ include "ccm.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels. Takes `root` and `component`. */}}
{{- define "ccm.labels" -}}
{{ include "ccm.selector" . }}
app.kubernetes.io/part-of: ccm
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Image of a program. Takes `root`, `program` and, where one can be set, `digest`. */}}
{{- define "ccm.image" -}}
{{- $image := .root.Values.image -}}
{{- $name := printf "%s/%s" $image.repository .program -}}
{{- if .digest -}}
{{- printf "%s@%s" $name .digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* API versions that Kubernetes 1.20 does not have yet. */}}
{{- define "ccm.pdb.apiVersion" -}}
{{- ternary "policy/v1beta1" "policy/v1" (semverCompare "<1.21-0" .Capabilities.KubeVersion.Version) -}}
{{- end -}}

{{- define "ccm.hpa.apiVersion" -}}
{{- ternary "autoscaling/v2beta2" "autoscaling/v2" (semverCompare "<1.23-0" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
