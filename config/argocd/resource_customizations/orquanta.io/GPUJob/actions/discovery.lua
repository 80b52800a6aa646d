-- What may be done to a GPUJob now.
local actions = {}

local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local function isTrue(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

if not isTrue("Finished") then
  if obj.spec.suspend then
    actions["resume"] = { ["iconClass"] = "fa fa-fw fa-play" }
  else
    actions["suspend"] = { ["iconClass"] = "fa fa-fw fa-pause" }
  end
end

-- Waits that end at a set time. One for cards ends when there are cards.
local timed = { BackingOff = true, NameTaken = true, PodsRefused = true, Unschedulable = true }
local waits = conditions["Ready"] ~= nil and timed[conditions["Ready"].reason] and not isTrue("Placed")
if isTrue("Failed") or waits then
  actions["retry"] = { ["iconClass"] = "fa fa-fw fa-redo" }
end

return actions
