{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- /* 50 leaves room for "-test-metrics" within the 63 of a label. */}}
{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := include "operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "operator.labels" -}}
{{- $own := dict
      "app.kubernetes.io/name" (include "operator.name" .)
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service
      "app.kubernetes.io/component" "operator"
      "app.kubernetes.io/part-of" "tradingbot"
      "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_")) }}
{{- toYaml (merge $own .Values.commonLabels) }}
{{- end }}

{{- /* name, namespace, labels and annotations; a list of (root, name, more labels, more annotations). */}}
{{- define "operator.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ include "operator.namespace" $root }}
labels:
  {{- toYaml (merge (include "operator.labels" $root | fromYaml) (index . 2)) | nindent 2 }}
{{- with merge dict (index . 3) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "operator.clusterMetadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
labels:
  {{- toYaml (merge (include "operator.labels" $root | fromYaml) (index . 2)) | nindent 2 }}
{{- with $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is empty while serviceAccount.create is false: name the ServiceAccount the operator is to run as" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* repository, and the digest or else the tag; a list of (root, image). */}}
{{- define "operator.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "operator.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* Where a pod may run; the same for the operator and its hooks. */}}
{{- define "operator.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- /* "true" when a monitor is to be rendered; a list of (root, its values key, its kind). */}}
{{- define "operator.monitorWanted" -}}
{{- $root := index . 0 -}}
{{- $key := index . 1 }}
{{- $monitor := index $root.Values.monitoring $key }}
{{- $known := $root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" (index . 2)) }}
{{- if $monitor.enabled }}
{{- if or $known (eq $monitor.renderMode "alwaysRender") }}true
{{- else if eq $monitor.renderMode "failIfMissing" }}
{{- fail (printf "monitoring.%s.enabled is true but this cluster does not know monitoring.coreos.com/v1 %s: install the Prometheus operator, or set monitoring.%s.renderMode to skipIfMissing or alwaysRender" $key (index . 2) $key) }}
{{- end }}
{{- end }}
{{- end }}
