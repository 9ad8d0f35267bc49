{{- define "kyverno-policies.labels" -}}
app.kubernetes.io/component: policy
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* match and exclude of a validating rule. A dict: kinds, policy (its values). */}}
{{- define "kyverno-policies.scope" -}}
match:
  any:
  - resources:
      kinds:
      {{- toYaml .kinds | nindent 6 }}
{{- with .policy.exclude }}
exclude:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
The filters of a rule for pods: one per namespace that has the list. A dict: namespaces, list (allow or deny), kinds.
Nothing where no namespace has it.
*/}}
{{- define "kyverno-policies.automount.filters" -}}
{{- range $entry := .namespaces }}
{{- if kindIs "slice" $entry.pods }}
{{- fail (printf "update-automountserviceaccounttokens: pods of namespace %v is a plain list, write the names below pods.allow or pods.deny" $entry.namespace) }}
{{- end }}
{{- with get (default dict $entry.pods) $.list }}
- resources:
    kinds:
    {{- toYaml $.kinds | nindent 4 }}
    namespaces:
    - {{ $entry.namespace | quote }}
    names:
    {{- range . }}
    - {{ . | quote }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}
