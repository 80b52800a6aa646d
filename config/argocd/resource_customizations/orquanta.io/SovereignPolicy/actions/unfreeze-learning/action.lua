-- Back to the mode of before the freeze; Apply, where nothing is remembered of it.
if obj.spec.learning == nil then
  obj.spec.learning = {}
end
obj.spec.learning.mode = "Apply"
if obj.metadata.annotations ~= nil and obj.metadata.annotations["orquanta.io/mode-before-freeze"] ~= nil then
  obj.spec.learning.mode = obj.metadata.annotations["orquanta.io/mode-before-freeze"]
  obj.metadata.annotations["orquanta.io/mode-before-freeze"] = nil
end
return obj
