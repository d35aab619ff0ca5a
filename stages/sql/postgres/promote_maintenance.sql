-- Databases one may connect to while the three slots are renamed, the usual ones first.
SELECT datname
FROM pg_database
WHERE datallowconn AND has_database_privilege(oid, 'CONNECT') AND datname <> ALL (ARRAY[$1, $2, $3, $4]::name[])
ORDER BY datname <> 'postgres', datname <> 'template1', datname
LIMIT 20
