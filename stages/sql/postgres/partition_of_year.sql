-- The partition of dvf that holds a year now, and whether its name is one we give.
SELECT format('%I.%I', n.nspname, c.relname), c.relname ~ '^dvf_[0-9]{4}_[0-9a-f]{12}$'
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = :'dvf'::regclass
  AND pg_get_expr(c.relpartbound, c.oid) IN ('FOR VALUES IN (''' || :year || ''')', 'FOR VALUES IN (' || :year || ')')
