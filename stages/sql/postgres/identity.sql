-- Who we are talking to: compared at every connect.
SELECT current_database(),
       coalesce(quote_ident(current_schema()), ''),
       (SELECT oid FROM pg_database WHERE datname = current_database()),
       (SELECT system_identifier FROM pg_control_system()),
       current_setting('server_version_num'),
       pg_is_in_recovery(),
       to_regclass('dvf_import.destination') IS NOT NULL AND to_regclass('dvf_import.source') IS NOT NULL
       AND to_regclass('dvf_import.chunk') IS NOT NULL AND to_regclass('dvf_import.reject') IS NOT NULL
       AND to_regclass('dvf_import.history') IS NOT NULL AND to_regclass('dvf_import.mended') IS NOT NULL
       AND to_regclass('dvf_import.swap') IS NOT NULL,
       coalesce((SELECT quote_ident(n.nspname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.oid = to_regclass('dvf')), ''),
       current_setting('server_version'),
       to_regclass('dvf_import.destination') IS NOT NULL AND to_regclass('dvf_import.source') IS NOT NULL
       AND to_regclass('dvf_import.chunk') IS NOT NULL AND to_regclass('dvf_import.reject') IS NOT NULL
