-- What the role may do: (fine, what is needed, remedy).
SELECT has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('dvf_import') IS NOT NULL,
       'the right to make the schema dvf_import',
       format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user)
UNION ALL
SELECT to_regnamespace('dvf_import') IS NULL
       OR coalesce(has_schema_privilege(to_regnamespace('dvf_import'), 'CREATE'), true),
       'the right to make tables in schema dvf_import',
       format('ALTER SCHEMA dvf_import OWNER TO %I', current_user)
UNION ALL
SELECT current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE'),
       'the right to make the table dvf in the current schema',
       format('GRANT CREATE ON SCHEMA %s TO %I', coalesce(quote_ident(current_schema()), 'public'), current_user)
