-- Statements that turn the rights $2 into the rights $1; $3 stands before each, $4 behind the privilege, $5 is the object, and
-- $6 and $7 are the owners there and here. The rights of the one here are left alone, and so are those of the one there if he is a
-- superuser; anybody else may do here what he may do there.
WITH left_alone (o) AS (SELECT $7::oid UNION SELECT oid FROM pg_roles WHERE oid = $6::oid AND rolsuper),
want AS (SELECT DISTINCT grantee, privilege_type, is_grantable FROM aclexplode(nullif($1::text, '{}')::aclitem[])
              WHERE grantee <> ALL (ARRAY(SELECT o FROM left_alone)) OR grantee = 0),
have AS (SELECT DISTINCT grantee, privilege_type, is_grantable FROM aclexplode(nullif($2::text, '{}')::aclitem[])
         WHERE grantee <> ALL (ARRAY(SELECT o FROM left_alone)) OR grantee = 0)
SELECT format('%sREVOKE %s%s ON %s FROM %s', $3::text, privilege_type, $4::text, $5::text,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM (TABLE have EXCEPT TABLE want) r
UNION ALL
SELECT format('%sGRANT %s%s ON %s TO %s%s', $3::text, privilege_type, $4::text, $5::text,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
              CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM (TABLE want EXCEPT TABLE have) g
