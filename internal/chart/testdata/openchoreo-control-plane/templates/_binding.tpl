{{/* A binding as the control plane's resource. Before 1.1.3 its entitlement has no quotes. */}}
{{- define "binding" -}}
{{- $m := .mapping }}
apiVersion: openchoreo.dev/v1alpha1
kind: {{ $m.kind | default "ClusterAuthzRoleBinding" }}
metadata:
  name: {{ $m.name }}
  labels:
    {{- include "labels" .root | nindent 4 }}
    openchoreo.io/bootstrap: "true"
    {{- if $m.system }}
    openchoreo.io/system: "true"
    {{- end }}
spec:
  roleMappings:
    {{- range $m.roleMappings }}
    - roleRef:
        name: {{ .roleRef.name }}
        kind: {{ .roleRef.kind }}
    {{- end }}
  entitlement:
    {{- if .quoted }}
    claim: {{ $m.entitlement.claim | quote }}
    value: {{ $m.entitlement.value | quote }}
    {{- else }}
    claim: {{ $m.entitlement.claim }}
    value: {{ $m.entitlement.value }}
    {{- end }}
  effect: {{ $m.effect }}
{{- end }}
