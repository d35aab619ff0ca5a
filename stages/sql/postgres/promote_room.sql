-- Our views beside dvf ($1), as the statement that drops them; '' when there is none.
SELECT coalesce('DROP VIEW ' || string_agg(format('%I.%I', n.nspname, c.relname), ', '), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND c.relname IN ('dvf_sale', 'dvf_price_m2')
  AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1))
  AND coalesce(obj_description(c.oid, 'pg_class'), '') LIKE '%made by dvf-import%'
