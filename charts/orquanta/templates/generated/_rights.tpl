{{- /* Generated from config/rbac and config/secure-metrics by `npm run generate`. Edit it there, not here. */ -}}
{{- define "orquanta.rules.operator" -}}
- apiGroups:
    - ""
  resources:
    - nodes
    - pods
    - events
    - namespaces
  verbs:
    - list
    - watch
- apiGroups:
    - scheduling.k8s.io
  resources:
    - priorityclasses
  verbs:
    - list
    - watch
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceslices
    - resourceclaims
    - deviceclasses
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - gpujobs
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - gpujobs/status
  verbs:
    - update
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  resourceNames:
    - {{ .Values.leaderElection.leaseName | quote }}
  verbs:
    - get
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies
  verbs:
    - list
    - watch
    - create
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies/status
  verbs:
    - update
- apiGroups:
    - orquanta.io
  resources:
    - heatobservers
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - heatobservers/status
  verbs:
    - update
- apiGroups:
    - batch
  resources:
    - jobs
  verbs:
    - get
    - list
    - watch
    - create
    - delete
- apiGroups:
    - ""
  resources:
    - services
  verbs:
    - get
    - create
    - delete
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceclaims
    - resourceclaimtemplates
  verbs:
    - get
    - create
    - delete
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
    - patch
{{- end }}

{{- define "orquanta.rules.operator.clusterRead" -}}
- apiGroups:
    - ""
  resources:
    - nodes
    - pods
    - namespaces
  verbs:
    - list
    - watch
- apiGroups:
    - scheduling.k8s.io
  resources:
    - priorityclasses
  verbs:
    - list
    - watch
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceslices
    - resourceclaims
    - deviceclasses
  verbs:
    - list
    - watch
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  resourceNames:
    - {{ .Values.leaderElection.leaseName | quote }}
  verbs:
    - get
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies
  verbs:
    - list
    - watch
{{- end }}

{{- define "orquanta.rules.operator.clusterWrite" -}}
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies
  verbs:
    - create
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies/status
  verbs:
    - update
{{- end }}

{{- define "orquanta.rules.operator.namespaced" -}}
- apiGroups:
    - ""
  resources:
    - events
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - gpujobs
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - gpujobs/status
  verbs:
    - update
- apiGroups:
    - orquanta.io
  resources:
    - heatobservers
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - heatobservers/status
  verbs:
    - update
- apiGroups:
    - batch
  resources:
    - jobs
  verbs:
    - get
    - list
    - watch
    - create
    - delete
- apiGroups:
    - ""
  resources:
    - services
  verbs:
    - get
    - create
    - delete
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceclaims
    - resourceclaimtemplates
  verbs:
    - get
    - create
    - delete
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
    - patch
{{- end }}

{{- define "orquanta.rules.observer" -}}
- apiGroups:
    - ""
  resources:
    - nodes
    - pods
    - events
    - namespaces
  verbs:
    - list
    - watch
- apiGroups:
    - scheduling.k8s.io
  resources:
    - priorityclasses
  verbs:
    - list
    - watch
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceslices
    - resourceclaims
    - deviceclasses
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - gpujobs
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies
  verbs:
    - list
    - watch
- apiGroups:
    - batch
  resources:
    - jobs
  verbs:
    - list
    - watch
{{- end }}

{{- define "orquanta.rules.observer.clusterRead" -}}
- apiGroups:
    - ""
  resources:
    - nodes
    - pods
    - namespaces
  verbs:
    - list
    - watch
- apiGroups:
    - scheduling.k8s.io
  resources:
    - priorityclasses
  verbs:
    - list
    - watch
- apiGroups:
    - resource.k8s.io
  resources:
    - resourceslices
    - resourceclaims
    - deviceclasses
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - sovereignpolicies
  verbs:
    - list
    - watch
{{- end }}

{{- define "orquanta.rules.observer.namespaced" -}}
- apiGroups:
    - ""
  resources:
    - events
  verbs:
    - list
    - watch
- apiGroups:
    - orquanta.io
  resources:
    - gpujobs
  verbs:
    - list
    - watch
- apiGroups:
    - batch
  resources:
    - jobs
  verbs:
    - list
    - watch
{{- end }}

{{- define "orquanta.rules.leaderElection" -}}
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - get
    - list
    - watch
    - create
    - update
{{- end }}

{{- define "orquanta.rules.ledger" -}}
- apiGroups:
    - apps
  resources:
    - controllerrevisions
  verbs:
    - get
    - list
    - watch
    - create
    - delete
- apiGroups:
    - ""
  resources:
    - configmaps
  verbs:
    - get
    - list
    - create
    - update
    - delete
{{- end }}

{{- define "orquanta.rules.metricsAuth" -}}
- apiGroups:
    - authentication.k8s.io
  resources:
    - tokenreviews
  verbs:
    - create
- apiGroups:
    - authorization.k8s.io
  resources:
    - subjectaccessreviews
  verbs:
    - create
{{- end }}

{{- define "orquanta.rules.metricsReader" -}}
- nonResourceURLs:
    - /metrics
  verbs:
    - get
{{- end }}

{{- define "orquanta.plurals" -}}
- gpujobs
- sovereignpolicies
- heatobservers
{{- end }}
