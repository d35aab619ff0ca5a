-- (what, remedy), where the role may not even look into our schema: what stands in it is its owner's.
SELECT pg_catalog.format('schema dvf_import belongs to %I, and %I may not look into it',
                         pg_catalog.pg_get_userbyid(nspowner), current_user),
       pg_catalog.format('connect as %I', pg_catalog.pg_get_userbyid(nspowner))
FROM pg_catalog.pg_namespace
WHERE nspname = 'dvf_import' AND NOT pg_catalog.has_schema_privilege(oid, 'USAGE')
