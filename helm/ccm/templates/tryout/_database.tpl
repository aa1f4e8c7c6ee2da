{{/*
A throw-away server of one pod: no password, no disk, reached by our pods alone.
Takes `root`, `component`, `image`, `port`, `user`, `args` and `folders` (name to path of what it writes).
*/}}
{{- define "ccm.database" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "ccm.fullname" .root }}-{{ .component }}
  labels:
    {{- include "ccm.labels" . | nindent 4 }}
  annotations:
    ccm/purpose: for trying out; everything in it is gone with the pod
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector:
    matchLabels:
      {{- include "ccm.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "ccm.labels" . | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{ .component }}
          image: {{ .image }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: {{ toJson .args }}
          ports: [{name: {{ .component }}, containerPort: {{ .port }}}]
          readinessProbe: {tcpSocket: {port: {{ .component }}}, periodSeconds: 2}
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 512Mi}
          securityContext:
            {{- include "ccm.container.security" . | nindent 12 }}
          volumeMounts:
            {{- range $name, $path := .folders }}
            - {name: {{ $name }}, mountPath: {{ $path }}}
            {{- end }}
      volumes:
        {{- range $name, $path := .folders }}
        - {name: {{ $name }}, emptyDir: {}}
        {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "ccm.fullname" .root }}-{{ .component }}
  labels:
    {{- include "ccm.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "ccm.selector" . | nindent 4 }}
  ports:
    - {name: {{ .component }}, port: {{ .port }}, targetPort: {{ .component }}, protocol: TCP}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "ccm.fullname" .root }}-{{ .component }}
  labels:
    {{- include "ccm.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "ccm.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports: [{port: {{ .port }}, protocol: TCP}]
      from:
        {{- range list "api" "scheduler" "relay" }}
        - podSelector:
            matchLabels:
              {{- include "ccm.selector" (dict "root" $.root "component" .) | nindent 14 }}
        {{- end }}
{{- end }}
{{- end -}}
