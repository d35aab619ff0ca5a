-- Ends what an earlier call's pg_dump and pg_restore still do in a database.
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datid = $1::oid AND application_name = 'dvf-import carry' AND pg_has_role(usesysid, 'USAGE')
