{{- define "logbook.upstream.name" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "logbook.upstream.part" -}}
logbook.example.com/instance: {{ .root.Release.Name }}
logbook.example.com/part: {{ .part }}
{{- end }}
