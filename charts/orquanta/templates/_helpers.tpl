{{- /* Names, labels and checks that the other templates share. Nothing here asks the cluster or the clock. */ -}}
{{- define "orquanta.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* 40 characters: a Pod's name, with what its ReplicaSet adds, is still a host name (63). */ -}}
{{- define "orquanta.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "orquanta.selectorLabels" -}}
app.kubernetes.io/name: {{ include "orquanta.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "orquanta.chartLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "orquanta.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: orquanta
{{- end }}

{{- /* The chart's own win over those of the values: objects find each other by them. */ -}}
{{- define "orquanta.labels" -}}
{{- toYaml (merge (include "orquanta.chartLabels" . | fromYaml) .Values.commonLabels) }}
{{- end }}

{{- /* Without the chart's version, or every upgrade would replace every Pod. */ -}}
{{- define "orquanta.podLabels" -}}
{{- toYaml (merge (include "orquanta.selectorLabels" . | fromYaml) .Values.podLabels .Values.commonLabels) }}
{{- end }}

{{- /* Of an object whose name has another source. */ -}}
{{- define "orquanta.metadata" -}}
labels:
  {{- include "orquanta.labels" . | nindent 2 }}
{{- end }}

{{- define "orquanta.crdMetadata" -}}
{{ include "orquanta.metadata" . }}
{{- $keep := .Values.crds.keep | ternary (dict "helm.sh/resource-policy" "keep") dict }}
{{- with merge $keep .Values.crds.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "orquanta.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "orquanta.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The namespaces that are watched, with commas; nothing: all. */ -}}
{{- define "orquanta.watchNamespaces" -}}
{{- .Values.watchNamespaces | uniq | join "," }}
{{- end }}

{{- /* The first of them, or nothing. */ -}}
{{- define "orquanta.watchNamespace" -}}
{{- first .Values.watchNamespaces | default "" }}
{{- end }}

{{- /* Whether it takes part in an election; else nothing. */ -}}
{{- define "orquanta.elects" -}}
{{- and .Values.policies.manage .Values.leaderElection.enabled | ternary "yes" "" }}
{{- end }}

{{- /* Whether /metrics is served over TLS, to whoever has the right; else nothing. */ -}}
{{- define "orquanta.metricsAreSecure" -}}
{{- and .Values.metrics.enabled .Values.metrics.secure | ternary "yes" "" }}
{{- end }}

{{- define "orquanta.subjects" -}}
- kind: ServiceAccount
  name: {{ include "orquanta.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "orquanta.image" -}}
{{- include "orquanta.imageOf" (merge (dict "tag" (default .Chart.AppVersion .Values.image.tag)) .Values.image) }}
{{- end }}

{{- define "orquanta.imageOf" -}}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository .tag }}
{{- end }}
{{- end }}

{{- /* Replicas on different nodes, where there are any: one lost node takes one of them. */ -}}
{{- define "orquanta.apart" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "orquanta.selectorLabels" . | nindent 12 }}
{{- end }}

{{- define "orquanta.redisName" -}}
{{- include "orquanta.fullname" . }}-redis
{{- end }}

{{- /* Names of their own: what selects the operator must not find these Pods. */ -}}
{{- define "orquanta.redisSelectorLabels" -}}
app.kubernetes.io/name: {{ include "orquanta.name" . }}-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "orquanta.redisLabels" -}}
{{- toYaml (merge (include "orquanta.redisSelectorLabels" . | fromYaml) (include "orquanta.labels" . | fromYaml)) }}
{{- end }}

{{- define "orquanta.testLabels" -}}
{{- toYaml (merge (dict "app.kubernetes.io/name" (printf "%s-test" (include "orquanta.name" .))) (include "orquanta.labels" . | fromYaml)) }}
{{- end }}

{{- /* A list: the hook's weight, and when it goes besides before the next test. */ -}}
{{- define "orquanta.testAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ first . | quote }}
helm.sh/hook-delete-policy: {{ prepend (without (rest .) "") "before-hook-creation" | join "," }}
{{- end }}

{{- /* Where the HeatObservers are that use the Redis of the values. */ -}}
{{- define "orquanta.heatNamespace" -}}
{{- include "orquanta.watchNamespace" . | default .Release.Namespace }}
{{- end }}

{{- define "orquanta.redisHost" -}}
{{- if .Values.redis.enabled }}
{{- printf "%s.%s.svc" (include "orquanta.redisName" .) .Release.Namespace }}
{{- else }}
{{- .Values.externalRedis.host }}
{{- end }}
{{- end }}

{{- /* With commas; nothing: the operator's own rule holds. */ -}}
{{- define "orquanta.heatHosts" -}}
{{- without (prepend .Values.heat.allowedHosts (include "orquanta.redisHost" .)) "" | join "," }}
{{- end }}

{{- /* What no single value can tell; each message says what to write instead. */ -}}
{{- define "orquanta.check" -}}
{{- if not .Values.policies.manage }}
{{- $more := list }}
{{- range list "crds" "admissionPolicies" "prometheusRule" "redis" }}
{{- if (index $.Values .).enabled }}
{{- $more = append $more (printf "%s.enabled=false" .) }}
{{- end }}
{{- end }}
{{- if .Values.externalRedis.host }}
{{- $more = append $more "externalRedis.host=" }}
{{- end }}
{{- if gt (int .Values.replicaCount) 1 }}
{{- $more = append $more "replicaCount=1" }}
{{- end }}
{{- with $more }}
{{- fail (printf "policies.manage: without it the release is a canary, alone and beside the one that brings the rest; set %s too" (join "," .)) }}
{{- end }}
{{- end }}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicaCount: more than one replica needs leaderElection.enabled=true" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not (and .Values.metrics.enabled .Values.metrics.service.enabled)) }}
{{- fail "serviceMonitor.enabled: it needs metrics.enabled=true and metrics.service.enabled=true" }}
{{- end }}
{{- if and (include "orquanta.metricsAreSecure" .) (not .Values.metrics.certSecret) }}
{{- fail "metrics.certSecret: metrics.secure needs the name of a Secret with tls.crt and tls.key; the chart makes none" }}
{{- end }}
{{- if and .Values.metrics.certSecret (not .Values.metrics.secure) }}
{{- fail "metrics.certSecret: it needs metrics.secure=true" }}
{{- end }}
{{- if and .Values.podMonitor.enabled (include "orquanta.metricsAreSecure" .) (not .Values.metrics.tokenSecret) }}
{{- fail "metrics.tokenSecret: a PodMonitor can't use Prometheus' own token; write the name of a Secret with one, or use the ServiceMonitor" }}
{{- end }}
{{- if and .Values.podMonitor.enabled (not .Values.metrics.enabled) }}
{{- fail "podMonitor.enabled: it needs metrics.enabled=true" }}
{{- end }}
{{- if and .Values.prometheusRule.enabled (not .Values.metrics.enabled) }}
{{- fail "prometheusRule.enabled: it needs metrics.enabled=true" }}
{{- end }}
{{- if and .Values.prometheusRule.enabled (not (or .Values.serviceMonitor.enabled .Values.podMonitor.enabled .Values.prometheusRule.job)) }}
{{- fail "prometheusRule.job: write the label job of your own scraping, or set serviceMonitor.enabled=true or podMonitor.enabled=true" }}
{{- end }}
{{- if and .Values.redis.enabled .Values.externalRedis.host }}
{{- fail "externalRedis.host: leave it empty, or set redis.enabled=false" }}
{{- end }}
{{- if and .Values.redis.enabled (not .Values.redis.auth.existingSecret) }}
{{- fail "redis.auth.existingSecret: write the name of a Secret with a password under the key of redis.auth.existingSecretPasswordKey; the chart makes none" }}
{{- end }}
{{- if and .Values.externalRedis.existingSecret (not .Values.externalRedis.host) }}
{{- fail "externalRedis.existingSecret: it needs externalRedis.host" }}
{{- end }}
{{- if eq (int .Values.metrics.port) (int .Values.probes.port) }}
{{- fail "metrics.port: it must be another than probes.port" }}
{{- end }}
{{- end }}
