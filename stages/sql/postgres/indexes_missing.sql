-- The indexes dvf has and the incoming table lacks, as statements, and the proof that nothing is doubled: those that take
-- longest first (several columns, text in the database's own collation), so that builders end at about the same time.
-- Each has a name of its own: two that the server names at the same time may get the same one. Attaching a year matches
-- definitions, not names.
SELECT format('CREATE %sINDEX %I ON dvf_import.%I USING %s', CASE WHEN p.indisunique THEN 'UNIQUE ' ELSE '' END,
              format('%s_%s_%s', :'incoming', left(md5(p.tail), 8), row_number() OVER (ORDER BY p.tail, p.indexrelid)),
              :'incoming', p.tail) AS statement,
       false AS proof, p.brin AS late, p.indnkeyatts AS keys, p.collated, p.tail
FROM (SELECT indexrelid, indisunique, indnkeyatts, substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$') AS tail,
             pg_get_indexdef(indexrelid) LIKE '% USING brin %' AS brin,
             (SELECT count(*) FROM unnest(indcollation) c WHERE c = 'pg_catalog.default'::regcollation) AS collated
      FROM pg_index WHERE indrelid = :'dvf'::regclass) p
WHERE p.tail NOT IN (SELECT substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$')
                     FROM pg_index WHERE indrelid = format('dvf_import.%I', :'incoming')::regclass)
UNION ALL
SELECT format('CREATE UNIQUE INDEX %I ON dvf_import.%I (source_row)', :'incoming' || '_source_row', :'incoming'),
       true, false, 1, 0, ''
WHERE NOT EXISTS (SELECT FROM pg_index i
                  WHERE indrelid = format('dvf_import.%I', :'incoming')::regclass AND indisunique
                    AND pg_get_indexdef(indexrelid) LIKE '% USING btree (source_row)')
ORDER BY late, keys DESC, collated DESC, tail
