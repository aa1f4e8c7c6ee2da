{{/* What the pods of all services have alike. Each takes `root` and `component`. */}}

{{- define "ccm.pod.annotations" -}}
checksum/config: {{ include "ccm.config" . | sha256sum }}
checksum/secrets: {{ include "ccm.secrets.own" .root | sha256sum }}
{{- with (get .root.Values .component).podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ccm.pod.security" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ccm.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "ccm.pod.placement" -}}
{{- $values := get .root.Values .component -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ccm.selector" $ | nindent 8 }}
  {{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Liveness never looks at what is outside: a database that is away makes a pod unready, it does not restart it. */}}
{{- define "ccm.pod.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 1
  failureThreshold: 60
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{- define "ccm.pod.env" -}}
- name: CCM_ADMIN__NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- range (include "ccm.secrets.of" . | fromYaml).list }}
- name: {{ .variable }}
  value: /etc/ccm/secrets/{{ .file }}
{{- end }}
{{- end -}}

{{- define "ccm.pod.mounts" -}}
- {name: config, mountPath: /etc/ccm/config, readOnly: true}
- {name: secrets, mountPath: /etc/ccm/secrets, readOnly: true}
{{- if and (eq .component "scheduler") .root.Values.scheduler.cmlAuthorities }}
- {name: authorities, mountPath: /etc/ccm/authorities, readOnly: true}
{{- end }}
{{- end -}}

{{- define "ccm.pod.volumes" -}}
- name: config
  configMap:
    name: {{ include "ccm.fullname" .root }}-{{ .component }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range (include "ccm.secrets.of" . | fromYaml).list }}
      - secret:
          name: {{ .secret }}
          items:
            - {key: {{ .key }}, path: {{ .file }}}
      {{- end }}
{{- if and (eq .component "scheduler") .root.Values.scheduler.cmlAuthorities }}
- name: authorities
  configMap:
    name: {{ .root.Values.scheduler.cmlAuthorities }}
    items:
      - {key: ca.crt, path: ca.crt}
{{- end }}
{{- end -}}

{{/* Container and pod of a service but for the container's further ports and variables, which come as `ports` and `env`. */}}
{{- define "ccm.pod.spec" -}}
{{- $values := get .root.Values .component -}}
serviceAccountName: {{ include "ccm.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "ccm.grace" $values }}
securityContext:
  {{- include "ccm.pod.security" . | nindent 2 }}
containers:
  - name: {{ .component }}
    image: {{ include "ccm.image" (dict "root" .root "program" (printf "ccm-%s" .component) "digest" (get .root.Values.image.digests .component)) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [--config, /etc/ccm/config/ccm.toml]
    env:
      {{- include "ccm.pod.env" . | nindent 6 }}
      {{- with .env }}
      {{- . | nindent 6 }}
      {{- end }}
    ports:
      {{- with .ports }}
      {{- . | nindent 6 }}
      {{- end }}
      - {name: admin, containerPort: 9090}
    {{- include "ccm.pod.probes" . | nindent 4 }}
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    securityContext:
      {{- include "ccm.container.security" . | nindent 6 }}
    volumeMounts:
      {{- include "ccm.pod.mounts" . | nindent 6 }}
  {{- with .sidecars }}
  {{- . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "ccm.pod.volumes" . | nindent 2 }}
{{- include "ccm.pod.placement" . }}
{{- end -}}
