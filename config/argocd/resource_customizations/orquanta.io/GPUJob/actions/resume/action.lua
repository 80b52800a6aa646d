-- Lets the job run again, as a new run.
obj.spec.suspend = false
return obj
