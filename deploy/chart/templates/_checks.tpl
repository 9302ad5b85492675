{{/* What the schema cannot say; each refusal says what to do. */}}

{{/* Settings of `config` that the chart sets itself; takes both, and the path that leads there. */}}
{{- define "hee.overlap" -}}
{{- $theirs := .theirs -}}
{{- $path := .path -}}
{{- range $key, $own := .own -}}
  {{- if hasKey $theirs $key -}}
    {{- $other := get $theirs $key -}}
    {{- if and (kindIs "map" $own) (kindIs "map" $other) -}}
      {{- include "hee.overlap" (dict "own" $own "theirs" $other "path" (printf "%s.%s" $path $key)) -}}
    {{- else }} {{ $path }}.{{ $key }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "hee.checks" -}}
{{- $own := include "hee.ownConfig" . | fromYaml -}}
{{- if eq .Values.mode "node" }}{{ $_ := set $own.hubble "address" "" }}{{ end -}}
{{- with include "hee.overlap" (dict "own" $own "theirs" .Values.config "path" "config") -}}
  {{- fail (printf "the chart sets this itself, by values of its own:%s" .) -}}
{{- end -}}
{{- if and .Values.hubble.tls.serverName (eq (include "hee.tls" .) "disabled") -}}
  {{- fail "hubble.tls.serverName is given, and hubble.tls.mode is disabled" -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
  {{- $policy := .Values.networkPolicy -}}
  {{- $isCilium := eq (include "hee.flavor" .) "cilium" -}}
  {{- if and (eq (include "hee.store" .) "valkey") (not (or $policy.valkey.podLabels $policy.valkey.cidrs $policy.valkey.names)) -}}
    {{- fail "the memory is in Valkey, and the network policy does not know where that is: set networkPolicy.valkey.podLabels, .cidrs or .names" -}}
  {{- end -}}
  {{- if and .Values.webhook.url (not (or $policy.webhook.podLabels $policy.webhook.cidrs $policy.webhook.names)) -}}
    {{- fail "findings are posted to webhook.url, and the network policy does not know where that is: set networkPolicy.webhook.podLabels, .cidrs or .names" -}}
  {{- end -}}
  {{- if and (not $isCilium) (or $policy.valkey.names $policy.webhook.names) -}}
    {{- fail "only networkPolicy.flavor cilium can allow names" -}}
  {{- end -}}
  {{- if and (not $isCilium) .Values.expectations.kubernetes.enabled (not $policy.kubeApiServer.cidrs) -}}
    {{- fail "policies are read from the API, and a NetworkPolicy cannot name its server: set networkPolicy.kubeApiServer.cidrs, or networkPolicy.flavor to cilium" -}}
  {{- end -}}
  {{- if and (not $isCilium) (eq .Values.mode "node") (not (include "hee.socket" .)) (not $policy.nodeCidrs) -}}
    {{- fail "mode node reaches the agents at the nodes' addresses, and a NetworkPolicy cannot name them: set networkPolicy.nodeCidrs, or networkPolicy.flavor to cilium" -}}
  {{- end -}}
{{- end -}}
{{- end -}}
