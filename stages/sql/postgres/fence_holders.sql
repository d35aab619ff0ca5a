-- Sessions of this role's databases that hold or want the fence; pg_terminate_backend ends them.
SELECT l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''), coalesce(a.state, '?'),
       pg_terminate_backend(l.pid)
FROM (SELECT DISTINCT pid FROM pg_locks
      WHERE locktype = 'relation' AND relation = 'dvf_import.destination'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND mode <> 'AccessShareLock' AND granted AND pid <> pg_backend_pid()) l
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
