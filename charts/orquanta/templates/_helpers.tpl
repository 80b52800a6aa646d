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

{{- /* The one namespace that is watched, or nothing. */ -}}
{{- define "orquanta.watchNamespace" -}}
{{- first .Values.watchNamespaces | default "" }}
{{- end }}

{{- define "orquanta.subjects" -}}
- kind: ServiceAccount
  name: {{ include "orquanta.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "orquanta.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What no single value can tell; each message says what to write instead. */ -}}
{{- define "orquanta.check" -}}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicaCount: more than one replica needs leaderElection.enabled=true" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not (and .Values.metrics.enabled .Values.metrics.service.enabled)) }}
{{- fail "serviceMonitor.enabled: it needs metrics.enabled=true and metrics.service.enabled=true" }}
{{- end }}
{{- if and .Values.podMonitor.enabled (not .Values.metrics.enabled) }}
{{- fail "podMonitor.enabled: it needs metrics.enabled=true" }}
{{- end }}
{{- if eq (int .Values.metrics.port) (int .Values.probes.port) }}
{{- fail "metrics.port: it must be another than probes.port" }}
{{- end }}
{{- end }}
