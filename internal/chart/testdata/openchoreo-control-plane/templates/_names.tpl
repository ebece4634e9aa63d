{{/* Names and labels of the objects. The argument is the root. */}}

{{- define "selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: openchoreo
{{- with .Values.global.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "portal.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "labels" . | nindent 2 }}
  app.kubernetes.io/component: backstage
{{- end }}

{{- define "portal.selector" -}}
app.kubernetes.io/component: backstage
{{ include "selector" . }}
{{- end }}

{{- define "api.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "labels" . | nindent 2 }}
  app.kubernetes.io/component: api-server
{{- end }}

{{/* Is this chart like 1.2? The tests take keys out to make an older one. */}}
{{- define "is12" -}}
{{- if hasKey .Values.backstage "observability" }}yes{{ end -}}
{{- end }}
