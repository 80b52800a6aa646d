-- Ends the run and holds the job. Where Git says spec.suspend, self-heal takes it back: see docs/argocd.md.
obj.spec.suspend = true
return obj
