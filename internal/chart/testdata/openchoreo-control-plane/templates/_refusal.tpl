{{/*
The charts refuse addresses in the domain invalid. Until 1.1 they ask for all of
them whatever is enabled.
*/}}
{{- define "refuse" -}}
{{- $v := .Values -}}
{{- $old := not (include "is12" .) -}}
{{- $wrong := list -}}
{{- range list
    (dict "path" "openchoreoApi.http.hostnames" "text" (join "," $v.openchoreoApi.http.hostnames) "asked" (or $old (and $v.gateway.enabled $v.openchoreoApi.enabled $v.openchoreoApi.http.enabled)))
    (dict "path" "backstage.http.hostnames" "text" (join "," $v.backstage.http.hostnames) "asked" (or $old (and $v.gateway.enabled $v.backstage.enabled $v.backstage.http.enabled)))
    (dict "path" "backstage.baseUrl" "text" $v.backstage.baseUrl "asked" (or $old $v.backstage.enabled))
    (dict "path" "gateway.tls.hostname" "text" $v.gateway.tls.hostname "asked" (and $v.gateway.tls.enabled (or $old $v.gateway.enabled)))
    (dict "path" "security.oidc.issuer" "text" $v.security.oidc.issuer "asked" (or $old $v.security.enabled))
-}}
{{- if and .asked (contains ".invalid" .text) -}}
{{- $wrong = append $wrong (printf "%s contains placeholder domain (.invalid)" .path) -}}
{{- end -}}
{{- end -}}
{{- if and $v.backstage.enabled (not $v.backstage.secretName) -}}
{{- $wrong = append $wrong "backstage.secretName is required when backstage is enabled" -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "Placeholder domains found. Set real hostnames for:\n  - %s" (join "\n  - " $wrong)) -}}
{{- end -}}
{{- if and (not $old) (ne (int $v.clusterGateway.replicas) 1) -}}
{{- fail "clusterGateway.replicas must be 1" -}}
{{- end -}}
{{- end }}
