-- What the table says is served, and whether dvf has its partition.
SELECT year,
       EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = to_regclass(:'dvf')
                 AND c.relname = format('dvf_%s_%s', s.year, left(s.sha256, 12)))
FROM dvf_import.source s
WHERE stage = 'published'
ORDER BY year
