-- Ends every session of the databases ($1: their oids) that we may end.
SELECT s.pid, pg_terminate_backend(s.pid)
FROM (SELECT a.pid FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid, pg_roles me
      WHERE me.rolname = current_user AND a.datid = ANY ($1::oid[]) AND a.pid <> pg_backend_pid()
        AND (me.rolsuper OR (NOT r.rolsuper
                             AND (pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE'))))
      OFFSET 0) s
