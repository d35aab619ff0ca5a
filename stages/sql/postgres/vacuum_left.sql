-- Partitions of dvf that have rows and no page known to be visible: nobody has vacuumed them since they were loaded.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = :'dvf'::regclass AND c.relkind = 'r' AND c.relpages > 0 AND c.relallvisible = 0
  AND pg_has_role(c.relowner, 'USAGE')
