-- The health of a GPUJob. Its status is in kstatus format: observedGeneration, and the conditions Ready, Reconciling and Stalled.
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

local function isTrue(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local ready = conditions["Ready"]
if ready ~= nil then
  health.message = ready.reason
  if ready.message ~= nil and ready.message ~= "" then
    health.message = ready.reason .. ": " .. ready.message
  end
end

-- Stalled without Failed is a job that waits for a person, for example because another Job has its name.
if isTrue("Failed") or isTrue("Stalled") then
  health.status = "Degraded"
elseif isTrue("Suspended") then
  health.status = "Suspended"
elseif isTrue("Ready") then
  health.status = "Healthy"
else
  health.status = "Progressing"
end
return health
