-- The health of a HeatObserver. Its status is in kstatus format: observedGeneration, and the conditions Ready, Reconciling and
-- Stalled.
local health = {}

-- Nothing is judged before the operator has seen this very spec; -1 says that it has seen none.
if obj.status == nil or obj.status.conditions == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  health.status = "Progressing"
  health.message = "Waiting for the operator to look at this spec"
  return health
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local function is(name, status)
  return conditions[name] ~= nil and conditions[name].status == status
end

local function words(condition)
  if condition.message == nil or condition.message == "" then
    return condition.reason
  end
  return condition.reason .. ": " .. condition.message
end

local ready = conditions["Ready"]
if ready == nil then
  health.status = "Progressing"
  health.message = "Waiting for the operator to look at this spec"
  return health
end
health.message = words(ready)

if is("Stalled", "True") or is("Ready", "False") then
  health.status = "Degraded"
elseif ready.reason == "Suspended" then
  health.status = "Suspended"
elseif not is("Ready", "True") then
  health.status = "Progressing"
elseif is("Degraded", "True") then
  health.status = "Degraded"
  health.message = words(conditions["Degraded"])
else
  health.status = "Healthy"
  -- With golden: Warn a failed verification stops nothing.
  if is("GoldenVerified", "False") then
    health.message = health.message .. "; " .. words(conditions["GoldenVerified"])
  end
end
return health
