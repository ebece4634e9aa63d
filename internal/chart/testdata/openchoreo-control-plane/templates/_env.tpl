{{/* The portal's variables, with the names and sources of the real chart. */}}

{{- define "env.value" }}
- name: {{ index . 0 }}
  value: {{ index . 1 | quote }}
{{- end }}

{{- define "env.secret" }}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
      {{- if gt (len .) 3 }}
      optional: true
      {{- end }}
{{- end }}

{{- define "env" -}}
{{- $b := .Values.backstage }}
{{- $s := .Values.security }}
{{- $secret := $b.secretName }}
{{- with concat ($b.env | default list) ($b.extraEnv | default list) }}
{{- toYaml . }}
{{- end }}
{{- include "env.value" (list "OPENCHOREO_API_URL" ($b.openchoreoApi.url | default (printf "http://%s.%s.svc.cluster.local:8080/api/v1" .Values.openchoreoApi.name .Release.Namespace))) }}
{{- include "env.value" (list "BACKSTAGE_BASE_URL" (trimSuffix "/" $b.baseUrl)) }}
{{- include "env.secret" (list "BACKEND_SECRET" $secret "backend-secret") }}
{{- with $s.oidc.wellKnownEndpoint }}
{{- include "env.value" (list "OPENCHOREO_AUTH_METADATA_URL" .) }}
{{- end }}
{{- include "env.value" (list "OPENCHOREO_AUTH_AUTHORIZATION_URL" $s.oidc.authorizationUrl) }}
{{- include "env.value" (list "OPENCHOREO_AUTH_TOKEN_URL" $s.oidc.tokenUrl) }}
{{- include "env.value" (list "OPENCHOREO_AUTH_CLIENT_ID" $b.auth.clientId) }}
{{- include "env.secret" (list "OPENCHOREO_AUTH_CLIENT_SECRET" $secret "client-secret") }}
{{- include "env.value" (list "OPENCHOREO_AUTH_OIDC_SCOPE" $b.auth.oidcScope) }}
{{- with $b.auth.scope }}
{{- include "env.value" (list "OPENCHOREO_AUTH_SCOPE" .) }}
{{- end }}
{{- if hasKey $b.auth "serviceClientId" }}
{{- include "env.value" (list "OPENCHOREO_SERVICE_CLIENT_ID" ($b.auth.serviceClientId | default $b.auth.clientId)) }}
{{- include "env.secret" (list "OPENCHOREO_SERVICE_CLIENT_SECRET" $secret ($b.auth.serviceClientSecretKey | default "client-secret")) }}
{{- end }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_WORKFLOWS_ENABLED" $b.features.workflows.enabled) }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_OBSERVABILITY_ENABLED" $b.features.observability.enabled) }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_AUTH_ENABLED" $s.enabled) }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_AUTHZ_ENABLED" $s.authz.enabled) }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_AUTH_REDIRECT_FLOW_ENABLED" $b.features.auth.redirectFlow.enabled) }}
{{- with $b.features.assistant }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_ASSISTANT_ENABLED" .enabled) }}
{{- include "env.value" (list "OPENCHOREO_PORTAL_ASSISTANT_URL" (.portalAssistantUrl | default (printf "http://%s.%s.svc.cluster.local:%v" $.Values.portalAssistant.name $.Release.Namespace $.Values.portalAssistant.service.port))) }}
{{- include "env.value" (list "OPENCHOREO_FEATURES_SECRET_MANAGEMENT_ENABLED" $.Values.features.secretManagement.enabled) }}
{{- include "env.value" (list "OPENCHOREO_CATALOG_SYNC_FREQUENCY" ($b.catalogSync.frequency | default 300)) }}
{{- include "env.value" (list "OPENCHOREO_EVENTS_ENABLED" $.Values.eventForwarder.enabled) }}
{{- end }}
{{- with $b.observability }}
{{- include "env.value" (list "OPENCHOREO_OBSERVABILITY_WIRELOGS_STREAM_TIMEOUT_SECONDS" (.wirelogs.streamTimeoutSeconds | default 900)) }}
{{- end }}
{{- include "env.value" (list "JENKINS_BASE_URL" $b.externalCI.jenkins.baseUrl) }}
{{- include "env.value" (list "JENKINS_USERNAME" $b.externalCI.jenkins.username) }}
{{- include "env.secret" (list "JENKINS_API_KEY" $secret "jenkins-api-key") }}
{{- with $b.externalCI.githubActions }}
{{- if .enabled }}
{{- include "env.value" (list "GITHUB_HOST" .host) }}
{{- include "env.value" (list "GITHUB_API_BASE_URL" .apiBaseUrl) }}
{{- include "env.secret" (list "GITHUB_TOKEN" $secret "github-actions-token" "optional") }}
{{- end }}
{{- with .oauth.clientId }}
{{- include "env.value" (list "AUTH_GITHUB_CLIENT_ID" .) }}
{{- include "env.secret" (list "AUTH_GITHUB_CLIENT_SECRET" $secret "github-oauth-client-secret" "optional") }}
{{- end }}
{{- end }}
{{- if eq $b.database.type "sqlite" }}
{{- include "env.value" (list "DATABASE_CLIENT" "better-sqlite3") }}
{{- include "env.value" (list "SQLITE_STORAGE_DIR" $b.database.sqlite.mountPath) }}
{{- else }}
{{- include "env.value" (list "DATABASE_CLIENT" "pg") }}
{{- range list "host" "port" "user" "password" "db" }}
{{- include "env.secret" (list (printf "POSTGRES_%s" (upper .)) $secret (printf "postgres-%s" .)) }}
{{- end }}
{{- if $b.database.postgresql.ssl }}
{{- include "env.value" (list "PGSSLMODE" "require") }}
{{- end }}
{{- end }}
{{- end }}
