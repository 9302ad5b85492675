{{/* Names, labels and the choices that follow from `mode`. */}}

{{- define "hee.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "hee.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "hee.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hee.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* Those by which pods are selected: they never change. */}}
{{- define "hee.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hee.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "hee.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "hee.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/part-of: hubble-egress-exporter
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata of an object; takes root, and perhaps name, namespace, labels and annotations. */}}
{{- define "hee.metadata" -}}
{{- $root := .root -}}
name: {{ default (include "hee.fullname" $root) .name | quote }}
{{- if not .clusterWide }}
namespace: {{ default (include "hee.namespace" $root) .namespace | quote }}
{{- end }}
labels:
  {{- mergeOverwrite (include "hee.labels" $root | fromYaml) (default dict .labels) | toYaml | nindent 2 }}
{{- with mergeOverwrite (deepCopy (default dict $root.Values.commonAnnotations)) (default dict .annotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "hee.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{- define "hee.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "hee.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Whether the agent is reached by its socket; empty: no. */}}
{{- define "hee.socket" -}}
{{- if and (eq .Values.mode "node") (eq .Values.hubble.node.transport "socket") }}yes{{ end -}}
{{- end -}}

{{- define "hee.tls" -}}
{{- $mode := .Values.hubble.tls.mode -}}
{{- if ne $mode "auto" }}{{ $mode }}
{{- else if and (eq .Values.mode "node") (not (include "hee.socket" .)) }}hubble
{{- else }}disabled
{{- end -}}
{{- end -}}

{{- define "hee.tlsSecret" -}}
{{- $tls := .Values.hubble.tls -}}
{{- $mode := include "hee.tls" . -}}
{{- if eq $mode "existingSecret" }}{{ $tls.existingSecret.name }}
{{- else if eq $mode "hubble" }}{{ $tls.hubble.secretName }}
{{- else }}{{ include "hee.fullname" . }}-client
{{- end -}}
{{- end -}}

{{- define "hee.store" -}}
{{- if ne .Values.store.type "auto" }}{{ .Values.store.type }}
{{- else }}{{ ternary "pvc" "emptyDir" (eq .Values.mode "relay") }}
{{- end -}}
{{- end -}}

{{- define "hee.flavor" -}}
{{- if ne .Values.networkPolicy.flavor "auto" }}{{ .Values.networkPolicy.flavor }}
{{- else }}{{ ternary "kubernetes" "cilium" (eq .Values.mode "relay") }}
{{- end -}}
{{- end -}}
