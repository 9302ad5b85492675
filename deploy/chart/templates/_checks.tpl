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

{{/* What is given and would have no effect, a line each: somebody believes that it has one. */}}
{{- define "hee.unused" -}}
{{- $tls := .Values.hubble.tls -}}
{{- $mode := include "hee.tls" . -}}
{{- $valkey := .Values.store.valkey -}}
{{- $isValkey := eq (include "hee.store" .) "valkey" -}}
{{- if and $tls.existingSecret.name (ne $mode "existingSecret") }}
hubble.tls.existingSecret.name is given, and hubble.tls.mode is {{ $mode }}
{{- end }}
{{- if and $tls.certManager.issuerRef.name (ne $mode "certManager") }}
hubble.tls.certManager.issuerRef.name is given, and hubble.tls.mode is {{ $mode }}
{{- end }}
{{- if and $tls.ca.configMap (eq $mode "disabled") }}
hubble.tls.ca.configMap is given, and hubble.tls.mode is disabled
{{- end }}
{{- if and (not $isValkey) (or $valkey.password.secretName $valkey.tls.enabled $valkey.tls.caSecretName) }}
store.valkey is given, and store.type is {{ include "hee.store" . }}
{{- end }}
{{- if and $valkey.tls.caSecretName (not $valkey.tls.enabled) }}
store.valkey.tls.caSecretName is given, and store.valkey.tls.enabled is false
{{- end }}
{{- if and (or .Values.webhook.secretName .Values.webhook.caSecretName) (not .Values.webhook.url) }}
webhook.secretName or webhook.caSecretName is given, and webhook.url is not
{{- end }}
{{- end -}}

{{/* The names of all alerts. */}}
{{- define "hee.alerts" -}}
{{- range $path, $_ := .Files.Glob "rules/*.yaml" -}}
{{- range ($.Files.Get $path | fromYaml).groups -}}
{{- range .rules }}{{ with .alert }}
- {{ . }}
{{- end }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A name that is allowed on another port than the one it is asked at: no service stands between that could change it. */}}
{{- define "hee.namedPort" -}}
{{- $host := default "" .host | lower -}}
{{- $port := regexFind "[0-9]+$" $host -}}
{{- $names := join "," .peer.names | lower | splitList "," -}}
{{- if and $host (has (regexReplaceAll ":[0-9]+$" $host "") $names) (ne $port (.peer.port | toString)) -}}
  {{- fail (printf "%s has port %s, and the network policy allows %v there: set %s" .what $port .peer.port .path) -}}
{{- end -}}
{{- end -}}

{{/* Milliseconds of a duration. As a floating number: one that is far too long must not turn into 0. */}}
{{- define "hee.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
  {{- $sum = addf $sum (mulf (regexFind "[0-9]+" . | float64) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- define "hee.checks" -}}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) }}
  {{- fail "image.tag is latest, which is another image each time: name a version, or leave it out" -}}
{{- end -}}
{{- $own := include "hee.ownConfig" . | fromYaml -}}
{{- if eq .Values.mode "node" }}{{ $_ := set $own.hubble "address" "" }}{{ end -}}
{{- with include "hee.overlap" (dict "own" $own "theirs" (default dict .Values.config) "path" "config") -}}
  {{- fail (printf "the chart sets this itself, by values of its own:%s" .) -}}
{{- end -}}
{{- range include "hee.unused" . | trim | splitList "\n" }}
  {{- if . }}{{ fail . }}{{ end -}}
{{- end -}}
{{- $alerts := include "hee.alerts" . | fromYamlArray -}}
{{- range .Values.prometheusRule.disabledAlerts -}}
  {{- if not (has . $alerts) }}{{ fail (printf "prometheusRule.disabledAlerts: there is no alert %s; there are %s" . (join ", " $alerts)) }}{{ end -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled .Values.monitor.enabled .Values.monitor.interval -}}
  {{- $every := include "hee.milliseconds" .Values.monitor.interval | float64 -}}
  {{- if or (le $every 0.0) (gt $every 60000.0) -}}
    {{- fail (printf "monitor.interval is %s, and the rules need 1m or less, and not 0: the shortest range of theirs is five minutes" .Values.monitor.interval) -}}
  {{- end -}}
{{- end -}}
{{- if and .Values.expectations.kubernetes.enabled .Values.rbac.create (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
  {{- fail "serviceAccount.create is false: set serviceAccount.name, or every pod of the namespace could read the cluster's policies" -}}
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
  {{- include "hee.namedPort" (dict "what" "store.valkey.address" "host" .Values.store.valkey.address "peer" $policy.valkey "path" "networkPolicy.valkey.port") -}}
  {{- $url := default "" .Values.webhook.url | urlParse -}}
  {{- $port := ternary "80" "443" (eq $url.scheme "http") -}}
  {{- $host := ternary $url.host (printf "%s:%s" $url.host $port) (regexMatch ":[0-9]+$" $url.host) -}}
  {{- include "hee.namedPort" (dict "what" "webhook.url" "host" $host "peer" $policy.webhook "path" "networkPolicy.webhook.port") -}}
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
