-- The statement that gives $1 ("TABLE name") to $2, its owner there, where another role owns it here ($3). CREATE, where only the
-- owner of a database has it and this one's is still to become the same, is taken back with the other rights that live lacks.
-- A superuser is kept from nothing, and whoever may not become him leaves it.
SELECT CASE WHEN has_schema_privilege(r.oid, c.relnamespace, 'CREATE') THEN ''
            ELSE format('GRANT CREATE ON SCHEMA %I TO %I; ', n.nspname, r.rolname) END
       || format('ALTER %s OWNER TO %I', $1::text, r.rolname)
FROM pg_roles r, pg_roles me, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.oid = $2::oid AND r.oid <> $3::oid AND me.rolname = current_user AND (me.rolsuper OR NOT r.rolsuper)
  AND c.oid = to_regclass(substr($1, length('TABLE ') + 1))
