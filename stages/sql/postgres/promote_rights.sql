-- Who we are on this server.
SELECT current_user, rolsuper, rolcreatedb, pg_has_role('pg_signal_backend', 'USAGE'),
       (SELECT system_identifier FROM pg_control_system()), current_setting('server_version_num'),
       pg_is_in_recovery(), current_setting('server_version')
FROM pg_roles WHERE rolname = current_user
