-- Statements that change nothing and hold a database until the transaction ends: nobody else renames, drops or promotes it
-- meanwhile, in whatever database he is connected to; connecting and working go on.
SELECT format('COMMENT ON DATABASE %I IS %L', datname, shobj_description(oid, 'pg_database'))
FROM pg_database WHERE datname = ANY (ARRAY[$1, $2, $3]::name[])
ORDER BY oid
