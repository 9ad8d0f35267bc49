{{- define "tokenward.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end -}}

{{- define "tokenward.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tokenward.labels" -}}
{{ include "tokenward.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "tokenward.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end -}}

{{/* Whether the store is a file of this pod's. */}}
{{- define "tokenward.sqlite" -}}
{{- if and (eq .Values.mode "service") (not (hasPrefix "postgres" (.Values.config.store | default "" | toString))) }}true{{ end -}}
{{- end -}}

{{/* The configuration: what the user gives, and on top of it the places that this chart decides. */}}
{{- define "tokenward.config" -}}
{{- $keys := .Values.secrets.keys -}}
{{- $file := "/etc/tokenward/secrets/" -}}
{{- $own := dict "gitlab" (dict "tokenFile" (print $file $keys.gitlabToken)) "cache" (dict "dir" "/var/cache/tokenward") -}}
{{- if $keys.caBundle }}{{ $_ := set $own.gitlab "caFile" (print $file $keys.caBundle) }}{{ end -}}
{{- if $keys.stateKey }}{{ $_ := set $own "mergeRequests" (dict "stateKeyFile" (print $file $keys.stateKey)) }}{{ end -}}
{{- if eq .Values.mode "service" -}}
{{- $_ := set $own "serve" (dict "listen" ":8080" "gracePeriod" (printf "%ds" (max 0 (sub (int .Values.terminationGracePeriodSeconds) 5)))) -}}
{{- $_ := set $own "webhooks" (dict "secretFiles" (list (print $file $keys.webhookSecret))) -}}
{{- $_ := set $own "admin" (dict "listen" ":8081" "tokenFile" (print $file $keys.adminToken)) -}}
{{- if include "tokenward.sqlite" . }}{{ $_ := set $own "store" "sqlite:///var/lib/tokenward/tokenward.db" }}{{ end -}}
{{- if $keys.storePassword }}{{ $_ := set $own "storePasswordFile" (print $file $keys.storePassword) }}{{ end -}}
{{- end -}}
{{ mergeOverwrite (deepCopy .Values.config) $own | toYaml }}
{{- end -}}

{{- define "tokenward.podSpec" -}}
serviceAccountName: {{ include "tokenward.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65534
  runAsGroup: 65534
  fsGroup: 65534
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
volumes:
  - name: config
    configMap: {name: {{ include "tokenward.name" . }}}
  - name: secrets
    secret: {secretName: {{ .Values.secrets.name }}, defaultMode: 0440}
  - name: cache
    emptyDir: {sizeLimit: 2Gi}
{{- if include "tokenward.sqlite" . }}
  - name: state
{{- if .Values.persistence.enabled }}
    persistentVolumeClaim: {claimName: {{ .Values.persistence.existingClaim | default (include "tokenward.name" .) }}}
{{- else }}
    emptyDir: {}
{{- end }}
{{- end }}
{{- end -}}

{{- define "tokenward.container" -}}
name: tokenward
image: {{ include "tokenward.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.extraEnv }}
env: {{ toYaml . | nindent 2 }}
{{- end }}
resources: {{ toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/tokenward/config, readOnly: true}
  - {name: secrets, mountPath: /etc/tokenward/secrets, readOnly: true}
  - {name: cache, mountPath: /var/cache/tokenward}
{{- if include "tokenward.sqlite" . }}
  - {name: state, mountPath: /var/lib/tokenward}
{{- end }}
{{- end -}}
