-- Opens a failed job again, or ends its back-off: any value that status.lastHandledRetry doesn't name is a new request.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["orquanta.io/retry"] = "argocd-" .. os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
