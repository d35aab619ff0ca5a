-- Which of the slots are there. A connection limit of -2 is a database whose DROP was interrupted.
SELECT d.datname, d.oid, pg_get_userbyid(d.datdba), pg_has_role(d.datdba, 'USAGE'), d.datallowconn,
       d.datconnlimit = -2, t.spcname, pg_catalog.concat(pg_encoding_to_char(d.encoding), ' ', d.datcollate, ' ', d.datctype),
       d.datistemplate
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
WHERE d.datname = ANY (ARRAY[$1, $2, $3, $4]::name[])
