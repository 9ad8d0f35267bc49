{{/*
umbrella.release renders all that Flux needs for one package: its source, its release and the Secret with its values.
Arguments, as a dict:
  root        the root context
  name        name of the Flux objects
  package     the package's part of the values
  defaults    what this chart sets for the package, as YAML
  namespace   target namespace (default: name)
  releaseName Helm's release name (default: Flux's, <namespace>-<name>)
  overlays    the user's values, as YAML (default: package.values)
*/}}
{{- define "umbrella.release" -}}
{{- if eq .package.sourceType "git" }}
---
{{ include "umbrella.gitRepository" . }}
{{- end }}
---
{{ include "umbrella.helmRelease" . }}
---
{{ include "umbrella.valuesSecret" . }}
{{- end }}

{{- define "umbrella.gitRepository" -}}
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "umbrella.labels" . | nindent 4 }}
spec:
  interval: {{ .root.Values.flux.interval }}
  url: {{ .package.git.repo }}
  ref:
    {{- if .package.git.tag }}
    tag: {{ .package.git.tag | quote }}
    {{- else }}
    branch: {{ required (printf "%s: git.tag or git.branch" .name) .package.git.branch | quote }}
    {{- end }}
  ignore: |
    # what no chart reads
    /**/*.md
    /docs/
    /.gitlab/
{{- end }}

{{- define "umbrella.helmRelease" -}}
{{- $settings := merge (deepCopy (default dict .package.flux)) .root.Values.flux -}}
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "umbrella.labels" . | nindent 4 }}
  annotations:
    # a change of values alone must start a reconciliation
    umbrella.example.com/values: {{ include "umbrella.valuesSecret" . | sha256sum | trunc 16 | quote }}
spec:
  {{- with .releaseName }}
  releaseName: {{ . }}
  {{- end }}
  targetNamespace: {{ default .name .namespace }}
  chart:
    spec:
      {{- if eq .package.sourceType "git" }}
      chart: {{ .package.git.path }}
      sourceRef:
        kind: GitRepository
        name: {{ .name }}
      {{- else }}
      chart: {{ .package.helmRepo.chartName }}
      version: {{ .package.helmRepo.tag | quote }}
      sourceRef:
        kind: HelmRepository
        name: {{ .package.helmRepo.repoName }}
      {{- end }}
  {{- toYaml $settings | nindent 2 }}
  valuesFrom:
    {{- range list "common" "defaults" "overlays" }}
    - kind: Secret
      name: {{ $.root.Release.Name }}-{{ $.name }}-values
      valuesKey: {{ . }}
    {{- end }}
  {{- with .package.postRenderers }}
  postRenderers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and .root.Values.kyvernoPolicies.enabled (not (hasPrefix "kyverno" .name)) }}
  dependsOn:
    - name: kyverno-policies
  {{- else if and .root.Values.kyverno.enabled (eq .name "kyverno-policies") }}
  dependsOn:
    - name: kyverno
  {{- end }}
{{- end }}

{{/* The values in three layers; the later wins. */}}
{{- define "umbrella.valuesSecret" -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}-values
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "umbrella.labels" . | nindent 4 }}
type: Opaque
stringData:
  common: |
    domain: {{ .root.Values.domain }}
    monitoring:
      enabled: {{ .root.Values.metrics.enabled }}
  defaults: |
    {{- .defaults | trim | default "{}" | nindent 4 }}
  overlays: |
    {{- .overlays | default (toYaml (default dict .package.values)) | trim | nindent 4 }}
{{- end }}

{{- define "umbrella.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}
