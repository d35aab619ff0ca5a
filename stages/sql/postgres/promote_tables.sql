-- dvf ($1) and its years, as pg_dump's options that leave them out. Quoted, so that no character is a pattern.
SELECT format('--exclude-table="%s"."%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""'))
FROM pg_partition_tree(to_regclass(nullif($1, ''))) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
