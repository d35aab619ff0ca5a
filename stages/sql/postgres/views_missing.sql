-- Whether our views are to be made: dvf is ours, nobody else has a thing of their names, none is a newer program's, and one of them
-- is not there, is an older version's, asks dvf with the rights of its owner where it need not, or stands on a table that was dvf
-- once; and whether policies are on dvf.
WITH top AS (
    SELECT c.oid, c.relnamespace, c.relrowsecurity FROM pg_class c
    WHERE c.oid = to_regclass(:'dvf') AND c.relkind = 'p' AND replace(pg_get_partkeydef(c.oid), '"', '') = 'LIST (source_year)'),
there AS (
    SELECT v.relkind = 'v' AND words.it LIKE '%made by dvf-import%' AS ours, words.version,
           words.version = :version AND (:invoker = 0 OR v.reloptions @> '{security_invoker=true}') AND EXISTS (
               SELECT FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
               WHERE r.ev_class = v.oid AND d.refclassid = 'pg_class'::regclass
                 AND d.refobjid = CASE v.relname WHEN 'dvf_sale' THEN top.oid
                                  ELSE (SELECT s.oid FROM pg_class s
                                        WHERE s.relname = 'dvf_sale' AND s.relnamespace = top.relnamespace) END) AS fine
    FROM top JOIN pg_class v ON v.relnamespace = top.relnamespace,
         LATERAL (SELECT coalesce(obj_description(v.oid, 'pg_class'), '') AS it,
                         coalesce(substring(obj_description(v.oid, 'pg_class') FROM 'made by dvf-import, version ([0-9]{1,9})'),
                                  '0')::integer AS version) words
    WHERE v.relname IN ('dvf_sale', 'dvf_price_m2'))
SELECT EXISTS (SELECT FROM top) AND NOT EXISTS (SELECT FROM there WHERE NOT ours OR version > :version)
       AND (SELECT count(*) FROM there WHERE fine) < 2,
       EXISTS (SELECT FROM top WHERE relrowsecurity)
