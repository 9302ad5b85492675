{{/* Volumes are mounted as a whole: what is mounted by subPath never sees a renewed certificate. */}}

{{- define "hee.inputMounts" -}}
- name: config
  mountPath: /etc/hubble-egress-exporter/config
  readOnly: true
{{- if ne (include "hee.tls" .) "disabled" }}
- name: hubble-tls
  mountPath: /etc/hubble-egress-exporter/hubble
  readOnly: true
{{- end }}
{{- if include "hee.socket" . }}
- name: hubble-socket
  mountPath: {{ .Values.hubble.node.socket.directory | quote }}
  readOnly: true
{{- end }}
{{- if include "hee.valkeySources" . | trim }}
- name: valkey
  mountPath: /etc/hubble-egress-exporter/valkey
  readOnly: true
{{- end }}
{{- if include "hee.webhookSources" . | trim }}
- name: webhook
  mountPath: /etc/hubble-egress-exporter/webhook
  readOnly: true
{{- end }}
{{- if .Values.web.configSecretName }}
- name: web
  mountPath: /etc/hubble-egress-exporter/web
  readOnly: true
{{- end }}
{{- if .Values.expectations.files }}
- name: expectations
  mountPath: /etc/hubble-egress-exporter/expectations/files
  readOnly: true
{{- end }}
{{- range $i, $name := .Values.expectations.configMaps }}
- name: expectations-{{ $i }}
  mountPath: /etc/hubble-egress-exporter/expectations/{{ $name }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "hee.mounts" -}}
{{ include "hee.inputMounts" . }}
- name: state
  mountPath: /var/lib/hubble-egress-exporter
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hee.valkeySources" -}}
{{- if eq (include "hee.store" .) "valkey" }}
{{- with .Values.store.valkey }}
{{- if .password.secretName }}
- secret:
    name: {{ .password.secretName | quote }}
    items:
      - key: {{ .password.key | quote }}
        path: password
{{- end }}
{{- if and .tls.enabled .tls.caSecretName }}
- secret:
    name: {{ .tls.caSecretName | quote }}
    items:
      - key: {{ .tls.caKey | quote }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "hee.webhookSources" -}}
{{- with .Values.webhook }}
{{- if and .url .secretName }}
- secret:
    name: {{ .secretName | quote }}
    items:
      - key: {{ .secretKey | quote }}
        path: secret
{{- end }}
{{- if and .url .caSecretName }}
- secret:
    name: {{ .caSecretName | quote }}
    items:
      - key: {{ .caKey | quote }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{/* The user's group may read (0440): the kubelet gives the files to fsGroup. */}}
{{- define "hee.projected" -}}
projected:
  defaultMode: 0440
  sources:
    {{- . | trim | nindent 4 }}
{{- end -}}

{{- define "hee.tlsSources" -}}
{{- $tls := .Values.hubble.tls -}}
{{- $keys := ternary $tls.existingSecret (dict "certKey" "tls.crt" "keyKey" "tls.key" "caKey" "ca.crt") (eq (include "hee.tls" .) "existingSecret") -}}
{{- if or $tls.clientCertificate (not $tls.ca.configMap) }}
- secret:
    name: {{ include "hee.tlsSecret" . | quote }}
    items:
      {{- if $tls.clientCertificate }}
      - key: {{ $keys.certKey | quote }}
        path: tls.crt
      - key: {{ $keys.keyKey | quote }}
        path: tls.key
      {{- end }}
      {{- if not $tls.ca.configMap }}
      - key: {{ $keys.caKey | quote }}
        path: ca.crt
      {{- end }}
{{- end }}
{{- if $tls.ca.configMap }}
- configMap:
    name: {{ $tls.ca.configMap | quote }}
    items:
      - key: {{ $tls.ca.key | quote }}
        path: ca.crt
{{- end }}
{{- end -}}

{{- define "hee.inputVolumes" -}}
- name: config
  configMap:
    name: {{ include "hee.fullname" . | quote }}
{{- if ne (include "hee.tls" .) "disabled" }}
- name: hubble-tls
  {{- include "hee.projected" (include "hee.tlsSources" .) | nindent 2 }}
{{- end }}
{{- if include "hee.socket" . }}
- name: hubble-socket
  hostPath:
    path: {{ .Values.hubble.node.socket.directory | quote }}
    type: Directory
{{- end }}
{{- with include "hee.valkeySources" . | trim }}
- name: valkey
  {{- include "hee.projected" . | nindent 2 }}
{{- end }}
{{- with include "hee.webhookSources" . | trim }}
- name: webhook
  {{- include "hee.projected" . | nindent 2 }}
{{- end }}
{{- with .Values.web.configSecretName }}
- name: web
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- if .Values.expectations.files }}
- name: expectations
  configMap:
    name: {{ printf "%s-expectations" (include "hee.fullname" .) | quote }}
{{- end }}
{{- range $i, $name := .Values.expectations.configMaps }}
- name: expectations-{{ $i }}
  configMap:
    name: {{ $name | quote }}
{{- end }}
{{- end -}}

{{- define "hee.volumes" -}}
{{ include "hee.inputVolumes" . }}
- name: state
  {{- if eq (include "hee.store" .) "pvc" }}
  persistentVolumeClaim:
    claimName: {{ default (include "hee.fullname" .) .Values.store.pvc.existingClaim | quote }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.store.emptyDir.sizeLimit | quote }}
  {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 16Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
