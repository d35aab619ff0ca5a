-- Who we are talking to: compared at every connect. With functions of their own where search_path leads, other roles would have us
-- run what they like, as every connection does this first: so names are looked up in pg_catalog only, and dvf by hand. One message
-- is one transaction, after which search_path is what it was.
SELECT pg_catalog.set_config('dvf_import.schemas', pg_catalog.current_schemas(false)::pg_catalog.text, true);
SELECT pg_catalog.set_config('search_path', 'pg_catalog', true);
WITH path (name, place) AS (
    SELECT * FROM unnest(current_setting('dvf_import.schemas')::name[]) WITH ORDINALITY)
SELECT current_database(),
       coalesce((SELECT quote_ident(name) FROM path ORDER BY place LIMIT 1), ''),
       (SELECT oid FROM pg_database WHERE datname = current_database()),
       (SELECT system_identifier FROM pg_control_system()),
       current_setting('server_version_num'),
       pg_is_in_recovery(),
       to_regclass('dvf_import.destination') IS NOT NULL AND to_regclass('dvf_import.source') IS NOT NULL
       AND to_regclass('dvf_import.chunk') IS NOT NULL AND to_regclass('dvf_import.reject') IS NOT NULL
       AND to_regclass('dvf_import.history') IS NOT NULL AND to_regclass('dvf_import.mended') IS NOT NULL
       AND to_regclass('dvf_import.swap') IS NOT NULL,
       coalesce((SELECT quote_ident(n.nspname)
                 FROM path JOIN pg_namespace n ON n.nspname = path.name JOIN pg_class c ON c.relnamespace = n.oid
                 WHERE c.relname = 'dvf' ORDER BY path.place LIMIT 1), ''),
       current_setting('server_version'),
       to_regclass('dvf_import.destination') IS NOT NULL AND to_regclass('dvf_import.source') IS NOT NULL
       AND to_regclass('dvf_import.chunk') IS NOT NULL AND to_regclass('dvf_import.reject') IS NOT NULL,
       current_setting('server_encoding')
