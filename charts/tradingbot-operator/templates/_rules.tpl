{{- /* What the operator does in a namespace that holds bots, and no more: tests/contract/test_chart_rights.py runs it so. */}}
{{- define "operator.botRules" -}}
- apiGroups: [tradingbot.io]
  resources: [tradingbots, bottasks]
  verbs: [get, list, watch, patch]
# A finished task goes when its time to live is over; a bot is deleted by people only.
- apiGroups: [tradingbot.io]
  resources: [bottasks]
  verbs: [delete]
- apiGroups: [tradingbot.io]
  resources: [tradingbots/status, bottasks/status]
  verbs: [patch]
# To own children that block the deletion of their bot, where the cluster checks that.
- apiGroups: [tradingbot.io]
  resources: [tradingbots/finalizers, bottasks/finalizers]
  verbs: [update]
# No delete: what belongs to a bot goes with its bot, by its owner reference.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, create, patch, delete]
# The migration of a ledger on a server of the person's, and the Jobs that ask a candidate; those go when they have
# answered.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, create, delete]
# A trader that cannot be shut out of its file is ended before another one is named.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [services, persistentvolumeclaims]
  verbs: [get, list, create, patch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, create, patch, delete]
# No list: a Secret is read by the name a bot gives. <bot>-ledger is created, and <bot>-api too, which is patched once a
# week with new tokens; rights cannot name it, so the policy tradingbot-operator-secrets allows no other patch.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [prometheusrules]
  verbs: [get, list, create, patch]
{{- end }}

{{- /* What it reads of the cluster itself: which kinds there are, and which cluster this is (the UID of kube-system). */}}
{{- define "operator.discoveryRules" -}}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, list, watch]
{{- end }}
