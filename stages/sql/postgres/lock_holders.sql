-- Sessions that hold dvf, its table of the year or what we keep of that, and so keep it from being replaced.
SELECT DISTINCT l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, '')
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.relation = :'dvf'::regclass
       OR l.relation IN (SELECT inhrelid FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
                         WHERE inhparent = :'dvf'::regclass
                           AND pg_get_expr(c.relpartbound, c.oid)
                               IN ('FOR VALUES IN (''' || :year || ''')', 'FOR VALUES IN (' || :year || ')'))
       OR l.relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'dvf_import'::regnamespace AND relkind = 'r'
                         AND (starts_with(relname, 'dvf_' || :year || '_')
                              OR starts_with(relname, 'chunk_' || :year || '_'))))
