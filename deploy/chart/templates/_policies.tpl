{{/* What the network policies have in common. */}}

{{- define "hee.policyPorts" -}}
{{- range .ports }}
- port: {{ . | toString | quote }}
  protocol: {{ $.protocol }}
{{- end }}
{{- end -}}

{{/* Whether a rule of the CiliumNetworkPolicy allows a name; empty: no. */}}
{{- define "hee.allowsNames" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and (eq (include "hee.store" .) "valkey") $policy.valkey.names }}yes{{ end -}}
{{- if and .Values.webhook.url $policy.webhook.names }}yes{{ end -}}
{{- range $policy.extraEgress }}{{ if .toFQDNs }}yes{{ end }}{{ end -}}
{{- end -}}

{{/* What a CiliumNetworkPolicy allows at a resolver. */}}
{{- define "hee.ciliumDns" -}}
{{- $ports := .Values.networkPolicy.dns.ports -}}
toPorts:
  - ports:
      {{- include "hee.policyPorts" (dict "ports" $ports "protocol" "UDP") | trim | nindent 6 }}
      {{- include "hee.policyPorts" (dict "ports" $ports "protocol" "TCP") | trim | nindent 6 }}
    {{- if include "hee.allowsNames" . }}
    # Rules by name need Cilium to see what is asked.
    rules:
      dns:
        - matchPattern: "*"
    {{- end }}
{{- end -}}

{{/* A peer of our own kind (Valkey, the webhook) as a rule of a CiliumNetworkPolicy. */}}
{{- define "hee.ciliumPeer" -}}
{{- $peer := .peer -}}
{{- $ports := printf "toPorts:\n  - ports:\n      - port: %q\n        protocol: TCP" ($peer.port | toString) -}}
{{- if $peer.podLabels }}
- toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: {{ default (include "hee.namespace" .root) $peer.namespace | quote }}
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
    - matchName: {{ . | quote }}
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
          kubernetes.io/metadata.name: {{ default (include "hee.namespace" .root) $peer.namespace | quote }}
      podSelector:
        matchLabels:
          {{- toYaml $peer.podLabels | nindent 10 }}
    {{- end }}
    {{- range $peer.cidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
  ports:
    - port: {{ $peer.port }}
      protocol: TCP
{{- end -}}
