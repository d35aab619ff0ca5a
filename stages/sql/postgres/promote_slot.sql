-- What one of the databases is.
SELECT current_database(), (SELECT oid FROM pg_database WHERE datname = current_database()),
       to_regclass('dvf_import.destination') IS NOT NULL AND to_regclass('dvf_import.source') IS NOT NULL,
       to_regclass('dvf_import.swap') IS NOT NULL,
       coalesce((SELECT quote_ident(n.nspname::text) || '.dvf' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.oid = to_regclass('dvf') AND c.relkind = 'p'
                   AND replace(pg_get_partkeydef(c.oid), '"', '') = 'LIST (source_year)'), '')
