-- A lock of somebody else's is not waited for.
VACUUM (FREEZE, ANALYZE, SKIP_LOCKED) :table
