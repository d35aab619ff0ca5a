-- An edition; '' for its hash: the one that is served. What the table says is served is believed only if dvf
-- has its partition: people drop and detach.
SELECT year, sha256, url, coalesce(etag, ''), coalesce(last_modified, ''), packed_size,
       coalesce(plain_size, 0), coalesce(rows, 0), coalesce(rejects, 0), stage, layout_version,
       parser_version, coalesce(why, ''), coalesce(under, '')
FROM dvf_import.source s
WHERE year = :year AND (sha256 = :'sha256' OR (:'sha256' = '' AND stage = 'published'))
  AND (stage <> 'published'
       OR EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                  WHERE i.inhparent = to_regclass(:'dvf')
                    AND c.relname = format('dvf_%s_%s', s.year, left(s.sha256, 12))))
