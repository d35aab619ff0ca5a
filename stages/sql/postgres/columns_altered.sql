-- Our columns whose type, as people altered it, does not take what our binary COPY sends, or takes it for something else, as a real
-- takes the bits of an integer: (what, remedy). Fine are text without a length, a numeric that keeps two decimals of numbers as
-- large, and domains over our types: what reads their bytes is the same function. PostgreSQL alters no column that a view shows.
SELECT format('column %I of %s is %s, and this importer writes %s', a.attname, :'dvf', format_type(a.atttypid, a.atttypmod), o.plain),
       CASE WHEN EXISTS (SELECT FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
                         WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                           AND d.refobjsubid = a.attnum AND v.relname = 'dvf_sale' AND v.relnamespace = c.relnamespace)
            THEN format('DROP VIEW %1$s.dvf_price_m2, %1$s.dvf_sale; ', c.relnamespace::regnamespace) ELSE '' END
       || format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I::%s', :'dvf', a.attname, o.type, a.attname, o.plain)
FROM (SELECT name, type, split_part(type, ' COLLATE ', 1) AS plain, place
      FROM unnest(string_to_array(:'columns', ' '), string_to_array(:'types', ';')) WITH ORDINALITY AS u (name, type, place)) o
JOIN pg_class c ON c.oid = to_regclass(:'dvf') AND c.relkind = 'p'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = o.name AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type base ON base.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_proc reads ON reads.oid = base.typreceive
JOIN pg_type own ON own.oid = to_regtype(o.plain)
JOIN pg_proc reads_own ON reads_own.oid = own.typreceive
CROSS JOIN LATERAL (SELECT CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod) m
WHERE (reads.prosrc = reads_own.prosrc OR reads.prosrc = 'varcharrecv' AND reads_own.prosrc = 'textrecv') IS NOT TRUE
   OR m.typmod <> -1
      AND (reads.prosrc = 'numeric_recv'  -- precision and scale: numeric_in() in the server puts them together so
           AND ((m.typmod - 4) & 2047) BETWEEN 2 AND 1000
           AND ((m.typmod - 4) >> 16) - ((m.typmod - 4) & 2047) >= substring(o.plain FROM '([0-9]+),')::integer - 2) IS NOT TRUE
ORDER BY o.place
