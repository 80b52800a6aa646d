-- The health of a SovereignPolicy. Its status is in kstatus format: observedGeneration, and the conditions Ready, Reconciling
-- and Stalled.
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

-- A rollback that was refused is no fault of the policy, but what Git asks for is not what is in force.
for _, name in ipairs({ "ChainBroken", "Stalled", "RequestRefused" }) do
  if is(name, "True") then
    health.status = "Degraded"
    health.message = words(conditions[name])
    return health
  end
end

if is("Ready", "False") then
  health.status = "Degraded"
  health.message = words(conditions["Ready"])
  return health
end

if not is("Ready", "True") then
  health.status = "Progressing"
  health.message = "Waiting for the operator to look at this spec"
  return health
end

-- What somebody should know of a policy that does its work.
local notes = { words(conditions["Ready"]) }
for _, name in ipairs({ "BudgetAlert", "BreakerOpen", "CatalogueOutdated" }) do
  if is(name, "True") then
    table.insert(notes, words(conditions[name]))
  end
end
if is("HeatAvailable", "False") then
  table.insert(notes, words(conditions["HeatAvailable"]))
end
health.status = "Healthy"
health.message = table.concat(notes, "; ")
return health
