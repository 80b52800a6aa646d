-- What may be done to a SovereignPolicy now.
local actions = {}
if obj.spec.learning ~= nil and obj.spec.learning.mode == "Off" then
  actions["unfreeze-learning"] = { ["iconClass"] = "fa fa-fw fa-play", ["displayName"] = "Unfreeze learning" }
else
  actions["freeze-learning"] = { ["iconClass"] = "fa fa-fw fa-snowflake", ["displayName"] = "Freeze learning" }
end
return actions
