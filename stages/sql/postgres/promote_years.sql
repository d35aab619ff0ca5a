-- The years a database serves: said to be published, and dvf has the partition.
SELECT year FROM dvf_import.source s
WHERE stage = 'published'
  AND EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
              WHERE i.inhparent = to_regclass($1) AND c.relname = format('dvf_%s_%s', s.year, left(s.sha256, 12)))
ORDER BY year
