-- A table that has the name this edition will be published under, and is no partition of dvf.
SELECT c.oid::regclass::text
FROM pg_class c
WHERE c.oid = to_regclass(:'schema' || '.' || :'incoming')
  AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = :'dvf'::regclass)
