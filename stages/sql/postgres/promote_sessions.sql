-- Sessions of the databases ($1: their oids); the last column: whether we may end them.
SELECT a.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''), coalesce(a.datname, '?'), coalesce(r.rolsuper, true),
       me.rolsuper OR (r.rolsuper IS FALSE
                       AND (pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')))
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid, pg_roles me
WHERE me.rolname = current_user AND a.datid = ANY ($1::oid[]) AND a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()
ORDER BY a.pid
