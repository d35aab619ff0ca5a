-- Sessions that hold one of the databases as an earlier promote or revert would; those of ours are ended when $4 is true.
SELECT l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''),
       CASE WHEN $4::boolean AND a.application_name = 'dvf-import' AND pg_has_role(a.usesysid, 'USAGE')
            THEN pg_terminate_backend(l.pid) ELSE false END
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass::oid AND l.granted
  AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'AccessExclusiveLock') AND l.pid <> pg_backend_pid()
  AND l.objid IN (SELECT oid FROM pg_database WHERE datname = ANY (ARRAY[$1, $2, $3]::name[]))
