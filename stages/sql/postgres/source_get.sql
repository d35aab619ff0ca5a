SELECT year, sha256, url, coalesce(etag, ''), coalesce(last_modified, ''), packed_size,
       coalesce(plain_size, 0), coalesce(rows, 0), coalesce(rejects, 0), stage, layout_version,
       parser_version, coalesce(why, ''), coalesce(under, '')
FROM dvf_import.source
WHERE year = :year AND (sha256 = :'sha256' OR (:'sha256' = '' AND stage = 'published'))
