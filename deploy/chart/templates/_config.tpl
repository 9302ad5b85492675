{{/* The exporter's file: what `config` says, and what the chart sets itself. */}}

{{- define "hee.address" -}}
{{- if eq .Values.mode "node" -}}
unix://{{ .Values.hubble.node.socket.directory }}/{{ .Values.hubble.node.socket.file }}
{{- else if .Values.hubble.address -}}
{{ .Values.hubble.address }}
{{- else -}}
hubble-relay.{{ .Values.hubble.namespace }}.svc.{{ .Values.cluster.domain }}:{{ ternary 80 443 (eq (include "hee.tls" .) "disabled") }}
{{- end -}}
{{- end -}}

{{- define "hee.ownConfig" -}}
{{- $etc := "/etc/hubble-egress-exporter" -}}
hubble:
  {{- if or (eq .Values.mode "relay") (include "hee.socket" .) }}
  address: {{ include "hee.address" . | quote }}
  {{- end }}
  position-file: /var/lib/hubble-egress-exporter/position.json
  {{- if ne (include "hee.tls" .) "disabled" }}
  tls:
    enabled: true
    ca-file: {{ $etc }}/hubble/ca.crt
    {{- if .Values.hubble.tls.clientCertificate }}
    cert-file: {{ $etc }}/hubble/tls.crt
    key-file: {{ $etc }}/hubble/tls.key
    {{- end }}
    {{- $node := printf "agent.%s.hubble-grpc.cilium.io" (default "default" .Values.cluster.name) }}
    server-name: {{ default (ternary "ui.hubble-relay.cilium.io" $node (eq .Values.mode "relay")) .Values.hubble.tls.serverName | quote }}
  {{- end }}
known:
  {{- with .Values.cluster.name }}
  cluster: {{ . | quote }}
  {{- end }}
  {{- if eq (include "hee.store" .) "valkey" }}
  store: valkey
  {{- with .Values.store.valkey }}
  valkey:
    address: {{ .address | quote }}
    database: {{ .database }}
    {{- with .user }}
    user: {{ . | quote }}
    {{- end }}
    {{- with .prefix }}
    prefix: {{ . | quote }}
    {{- end }}
    {{- if .password.secretName }}
    password-file: {{ $etc }}/valkey/password
    {{- end }}
    {{- if .tls.enabled }}
    tls: true
    {{- if .tls.caSecretName }}
    ca-file: {{ $etc }}/valkey/ca.crt
    {{- end }}
    {{- end }}
  {{- end }}
  {{- else }}
  store: sqlite
  file: /var/lib/hubble-egress-exporter/known.db
  {{- end }}
{{- $files := list }}
{{- if .Values.expectations.files }}{{ $files = append $files (printf "%s/expectations/files" $etc) }}{{ end }}
{{- range .Values.expectations.configMaps }}{{ $files = append $files (printf "%s/expectations/%s" $etc .) }}{{ end }}
{{- if or $files .Values.expectations.kubernetes.enabled }}
expectations:
  {{- with $files }}
  files:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.expectations.kubernetes.enabled }}
  kubernetes:
    enabled: true
  {{- end }}
{{- end }}
{{- with .Values.webhook }}
{{- if .url }}
findings:
  webhook:
    url: {{ .url | quote }}
    {{- if .secretName }}
    secret-file: {{ $etc }}/webhook/secret
    {{- end }}
    {{- if .caSecretName }}
    ca-file: {{ $etc }}/webhook/ca.crt
    {{- end }}
{{- end }}
{{- end }}
web:
  listen-address: ":9968"
  {{- if .Values.web.configSecretName }}
  config:
    file: {{ printf "%s/web/%s" $etc .Values.web.configKey | quote }}
  {{- end }}
{{- end -}}

{{- define "hee.config" -}}
{{- mergeOverwrite (deepCopy (default dict .Values.config)) (include "hee.ownConfig" . | fromYaml) | toYaml -}}
{{- end -}}
