{{/* What the network policies have in common. */}}

{{- define "hee.policyPorts" -}}
{{- range .ports }}
- port: {{ . | toString | quote }}
  protocol: {{ $.protocol }}
{{- end }}
{{- end -}}

{{/* A peer of our own kind (Valkey, the webhook) as a rule of a CiliumNetworkPolicy. */}}
{{- define "hee.ciliumPeer" -}}
{{- $peer := .peer -}}
{{- $ports := printf "toPorts:\n  - ports:\n      - port: %q\n        protocol: TCP" ($peer.port | toString) -}}
{{- if $peer.podLabels }}
- toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: {{ default (include "hee.namespace" .root) $peer.namespace }}
        {{- toYaml $peer.podLabels | nindent 8 }}
  {{- $ports | nindent 2 }}
{{- end }}
{{- if $peer.cidrs }}
- toCIDR:
    {{- toYaml $peer.cidrs | nindent 4 }}
  {{- $ports | nindent 2 }}
{{- end }}
{{- if $peer.names }}
- toFQDNs:
    {{- range $peer.names }}
    - matchName: {{ . }}
    {{- end }}
  {{- $ports | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The same as a rule of a NetworkPolicy. */}}
{{- define "hee.kubernetesPeer" -}}
{{- $peer := .peer -}}
- to:
    {{- if $peer.podLabels }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ default (include "hee.namespace" .root) $peer.namespace }}
      podSelector:
        matchLabels:
          {{- toYaml $peer.podLabels | nindent 10 }}
    {{- end }}
    {{- range $peer.cidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    - port: {{ $peer.port }}
      protocol: TCP
{{- end -}}
