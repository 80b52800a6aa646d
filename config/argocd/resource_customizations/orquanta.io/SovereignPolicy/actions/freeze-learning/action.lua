-- Failures change nothing from now on; placement keeps the weights that were learned. The mode of before is remembered in an
-- annotation. Where Git says spec.learning.mode, self-heal takes it back: see docs/argocd.md.
if obj.spec.learning == nil then
  obj.spec.learning = {}
end
if obj.spec.learning.mode ~= "Off" then
  if obj.metadata.annotations == nil then
    obj.metadata.annotations = {}
  end
  obj.metadata.annotations["orquanta.io/mode-before-freeze"] = obj.spec.learning.mode or "Apply"
end
obj.spec.learning.mode = "Off"
return obj
