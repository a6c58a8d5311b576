{{- define "bot.name" -}}
{{- $name := default .Release.Name (default .Values.nameOverride .Values.fullnameOverride) }}
{{- if gt (len $name) 40 }}
{{- fail (printf "the bot's name %s has %d characters and 40 are the most, because the operator appends to it: choose a shorter release name or set fullnameOverride" $name (len $name)) }}
{{- end }}
{{- if regexMatch "-(blue|green|ops|api|data)$" $name }}
{{- fail (printf "the bot's name %s ends in -%s, which the operator uses for a bot's own objects: choose another release name or set fullnameOverride" $name (regexFind "[a-z]+$" $name)) }}
{{- end }}
{{- if regexMatch "^[0-9]" $name }}
{{- fail (printf "the bot's name %s begins with a digit and cannot name a Service: choose another release name or set fullnameOverride" $name) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "bot.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- /* The spec is every value that is not the chart's own. */}}
{{- define "bot.spec" -}}
{{- toYaml (omit .Values "nameOverride" "fullnameOverride" "namespaceOverride" "commonLabels" "commonAnnotations" "operator" "tests" "extraObjects" "global") }}
{{- end }}

{{- define "bot.labels" -}}
{{- $own := dict
      "app.kubernetes.io/name" "tradingbot"
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service
      "app.kubernetes.io/part-of" "tradingbot"
      "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_")) }}
{{- toYaml (merge $own .Values.commonLabels) }}
{{- end }}

{{- define "bot.mode" -}}
{{- default "paper" .Values.mode }}
{{- end }}
