-- Partitions of dvf that have rows and no page known to be visible, or no statistics: nobody has vacuumed or analyzed them since
-- they were loaded. VACUUM (ANALYZE) is two transactions, and may end between them. From PostgreSQL 18 on CREATE INDEX counts no
-- pages of a table whose autovacuum is off, as ours is then: of such a one no tuples are known.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = :'dvf'::regclass AND c.relkind = 'r'
  AND (c.reltuples = -1 OR c.relpages > 0 AND c.relallvisible = 0
       OR c.relpages > 0 AND NOT row_security_active(c.oid)  -- where it is, pg_stats shows none
          AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname))
  AND pg_has_role(c.relowner, 'USAGE')
ORDER BY 1
