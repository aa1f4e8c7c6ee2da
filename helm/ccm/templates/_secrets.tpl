{{/* Every secret: the variable that names its file, and which services get it. */}}
{{- define "ccm.secrets.table" -}}
storeUrl: {variable: CCM_STORE__URL_FILE, services: [api, scheduler, relay]}
storeKey: {variable: CCM_STORE__SECRET_KEY_FILE, services: [api, scheduler, relay]}
busUrl: {variable: CCM_BUS__URL_FILE, services: [api, scheduler, relay]}
oidcClientSecret: {variable: CCM_AUTH__OIDC__CLIENT_SECRET_FILE, services: [api]}
cmlPassword: {variable: CCM_CML__PASSWORD_FILE, services: [scheduler]}
awsAccounts: {variable: CCM_AWS__ACCOUNTS_FILE, services: [scheduler]}
awsCredentials: {variable: AWS_SHARED_CREDENTIALS_FILE, services: [scheduler]}
relaySinks: {variable: CCM_RELAY__SINKS_FILE, services: [relay]}
inboundSecret: {variable: CCM_RELAY__INBOUND__SECRET_FILE, services: [api, relay]}
inboundBearer: {variable: CCM_RELAY__INBOUND__BEARER_FILE, services: [api, relay]}
{{- end -}}

{{/* Whether events from outside are taken: "yes", or nothing. */}}
{{- define "ccm.inbound" -}}
{{- range list .Values.secrets.inboundSecret .Values.secrets.inboundBearer -}}
{{- if or .value .existingSecret -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* Values that the chart keeps in a Secret of its own, but for a made key. */}}
{{- define "ccm.secrets.own" -}}
{{- $name := include "ccm.fullname" . -}}
{{- $made := dict -}}
{{- if .Values.mongodb.enabled -}}
{{- $_ := set $made "storeUrl" (printf "mongodb://%s-mongodb:27017/ccm" $name) -}}
{{- end -}}
{{- if .Values.redis.enabled -}}
{{- $_ := set $made "busUrl" (printf "redis://%s-redis:6379" $name) -}}
{{- end -}}
{{- if .Values.simulate.enabled -}}
{{- $_ := set $made "cmlPassword" "admin" -}}
{{- end -}}
{{- range $key, $secret := .Values.secrets -}}
{{- if and $secret.value (not $secret.existingSecret) -}}
{{- $_ := set $made $key $secret.value -}}
{{- end -}}
{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/* The secrets of a service that there are: where each is, and its variable. Takes `root` and `component`. */}}
{{- define "ccm.secrets.of" -}}
{{- $own := include "ccm.secrets.own" .root | fromYaml -}}
{{- $found := list -}}
{{- range $key, $row := include "ccm.secrets.table" .root | fromYaml -}}
{{- $secret := get $.root.Values.secrets $key -}}
{{- $file := kebabcase $key -}}
{{- if has $.component $row.services -}}
{{- if $secret.existingSecret -}}
{{- $found = append $found (dict "secret" $secret.existingSecret "key" $secret.key "file" $file "variable" $row.variable) -}}
{{- else if or (hasKey $own $key) (eq $key "storeKey") -}}
{{- $found = append $found (dict "secret" (printf "%s-secrets" (include "ccm.fullname" $.root)) "key" $file "file" $file "variable" $row.variable) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "list" $found) -}}
{{- end -}}
