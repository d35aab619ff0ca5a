-- Who may do what with dvf ($1), its years, our views, our bookkeeping and the schemas: (key, before, after, on, rights, rights when none are
-- set, owner, whether its owner goes over). Years have the same key in both databases though their tables have other names.
SELECT 'table ' || format('%I.%I', n.nspname, c.relname), '', '', 'TABLE ' || format('%I.%I', n.nspname, c.relname),
       coalesce(c.relacl, acldefault('r', c.relowner))::text, acldefault('r', c.relowner)::text, c.relowner,
       n.nspname <> 'dvf_import'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)
   OR (c.relkind = 'v' AND c.relname IN ('dvf_sale', 'dvf_price_m2')
       AND n.oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1)))
   OR (n.nspname = 'dvf_import' AND c.relname IN ('destination', 'source', 'chunk', 'reject', 'history', 'mended', 'swap'))
UNION ALL
SELECT 'column ' || a.attname, '', format(' (%I)', a.attname), 'TABLE ' || format('%I.%I', n.nspname, c.relname),
       coalesce(a.attacl::text, '{}'), '{}', c.relowner, false
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'year ' || s.year, '', '', 'TABLE ' || format('%I.%I', n.nspname, c.relname),
       coalesce(c.relacl, acldefault('r', c.relowner))::text, acldefault('r', c.relowner)::text, c.relowner, true
FROM dvf_import.source s, pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.stage = 'published' AND i.inhparent = to_regclass($1) AND c.relname = format('dvf_%s_%s', s.year, left(s.sha256, 12))
UNION ALL
SELECT 'schema ' || n.nspname, '', '', format('SCHEMA %I', n.nspname),
       coalesce(n.nspacl, acldefault('n', n.nspowner))::text, acldefault('n', n.nspowner)::text, n.nspowner, false
FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL
SELECT format('default %s %s %s', pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s ', pg_get_userbyid(d.defaclrole),
              CASE WHEN n.oid IS NULL THEN '' ELSE format(' IN SCHEMA %I', n.nspname) END), '',
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
            WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
       d.defaclacl::text,
       CASE WHEN n.oid IS NULL THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)::text
            ELSE '{}' END,
       CASE WHEN n.oid IS NULL THEN d.defaclrole ELSE 0 END, false
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
ORDER BY 1
