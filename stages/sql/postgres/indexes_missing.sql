-- The indexes dvf has and the incoming table lacks, as statements; then the proof that nothing is doubled.
SELECT format('CREATE %sINDEX ON dvf_import.%I USING %s',
              CASE WHEN p.indisunique THEN 'UNIQUE ' ELSE '' END, :'incoming', p.tail)
FROM (SELECT indisunique, substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$') AS tail
      FROM pg_index WHERE indrelid = :'dvf'::regclass) p
WHERE p.tail NOT IN (SELECT substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$')
                     FROM pg_index WHERE indrelid = format('dvf_import.%I', :'incoming')::regclass)
UNION ALL
SELECT format('CREATE UNIQUE INDEX ON dvf_import.%I (source_row)', :'incoming')
WHERE NOT EXISTS (SELECT FROM pg_index i
                  WHERE indrelid = format('dvf_import.%I', :'incoming')::regclass AND indisunique
                    AND pg_get_indexdef(indexrelid) LIKE '% USING btree (source_row)')
