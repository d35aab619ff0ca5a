-- Rights people gave on the old year's table, as statements for the new one.
SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, :'to',
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.oid = :'from'::regclass AND a.grantee <> c.relowner
