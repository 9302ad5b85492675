{{/* The pod, the same in both modes. */}}

{{- define "hee.podMetadata" -}}
labels:
  {{- omit (mergeOverwrite (include "hee.labels" . | fromYaml) (default dict .Values.podLabels)) "helm.sh/chart" | toYaml | nindent 2 }}
annotations:
  {{- $own := dict "checksum/config" (include "hee.config" . | sha256sum) "kubectl.kubernetes.io/default-container" "exporter" }}
  {{- mergeOverwrite $own (default dict .Values.podAnnotations) | toYaml | nindent 2 }}
{{- end -}}

{{- define "hee.podSecurity" -}}
{{- $context := deepCopy (default dict .Values.podSecurityContext) -}}
{{- if include "hee.socket" . -}}
  {{- $_ := set $context "supplementalGroups" (append (default list $context.supplementalGroups) .Values.hubble.node.socket.group) -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* Where Hubble is in mode `node`: the address of the node is known in the pod only. */}}
{{- define "hee.env" -}}
{{- if and (eq .Values.mode "node") (not (include "hee.socket" .)) }}
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
- name: HUBBLE_EGRESS_HUBBLE__ADDRESS
  value: {{ printf (ternary "[$(HOST_IP)]:%d" "$(HOST_IP):%d" (eq .Values.hubble.node.ipFamily "ipv6")) (int .Values.hubble.node.port) | quote }}
{{- end }}
# For who runs another command in this pod: preflight, check-config, known.
- name: HUBBLE_EGRESS_CONFIG__FILE
  value: /etc/hubble-egress-exporter/config/config.yaml
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hee.args" -}}
- --config.file=/etc/hubble-egress-exporter/config/config.yaml
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* By mode; what is given is laid over it, so that a part of it may be given. A null takes something away. */}}
{{- define "hee.resources" -}}
{{- $request := ternary (dict "cpu" "100m" "memory" "256Mi") (dict "cpu" "25m" "memory" "128Mi") (eq .Values.mode "relay") -}}
{{- $default := dict "requests" $request "limits" (dict "memory" "512Mi") -}}
{{- $resources := mergeOverwrite $default (deepCopy (default dict .Values.resources)) -}}
{{- range $part, $amounts := $resources -}}
  {{- range $name, $amount := (default dict $amounts) -}}
    {{- if kindIs "invalid" $amount }}{{ $_ := unset $amounts $name }}{{ end -}}
  {{- end -}}
  {{- if not $amounts }}{{ $_ := unset $resources $part }}{{ end -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* Where a pod runs, and how it asks for names: that of `helm test` sees what the exporter would see. */}}
{{- define "hee.placement" }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if kindIs "slice" .Values.tolerations }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- else if eq .Values.mode "node" }}
tolerations:
  - operator: Exists
{{- end }}
{{- end -}}

{{- define "hee.probe" -}}
{{- $path := .path -}}
{{- if .root.Values.web.configSecretName }}
tcpSocket:
  port: http
{{- else }}
httpGet:
  path: {{ $path }}
  port: http
{{- end }}
{{- with .probe }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hee.podSpec" -}}
serviceAccountName: {{ include "hee.serviceAccount" . | quote }}
automountServiceAccountToken: {{ .Values.expectations.kubernetes.enabled }}
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "hee.podSecurity" . | nindent 2 }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- include "hee.placement" . | trim | nindent 0 }}
{{- if eq .Values.mode "relay" }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $own := dict "labelSelector" (dict "matchLabels" (include "hee.selectorLabels" $ | fromYaml)) }}
  - {{ ternary . (merge (deepCopy .) $own) (hasKey . "labelSelector") | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: exporter
    image: {{ include "hee.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      - run
      {{- include "hee.args" . | nindent 6 }}
    {{- with include "hee.env" . | trim }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
    {{- with .Values.extraEnvFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    ports:
      - name: http
        containerPort: 9968
        protocol: TCP
    startupProbe:
      {{- include "hee.probe" (dict "root" . "path" "/-/healthy" "probe" .Values.startupProbe) | trim | nindent 6 }}
    livenessProbe:
      {{- include "hee.probe" (dict "root" . "path" "/-/healthy" "probe" .Values.livenessProbe) | trim | nindent 6 }}
    readinessProbe:
      {{- include "hee.probe" (dict "root" . "path" "/-/ready" "probe" .Values.readinessProbe) | trim | nindent 6 }}
    resources:
      {{- include "hee.resources" . | nindent 6 }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    terminationMessagePolicy: FallbackToLogsOnError
    volumeMounts:
      {{- include "hee.mounts" . | trim | nindent 6 }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "hee.volumes" . | trim | nindent 2 }}
{{- end -}}
