INSERT INTO dvf_import.source (edition, year, sha256, url, etag, last_modified, packed_size, stage,
                               layout_version, parser_version, run)
VALUES ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), $7, 'incoming', $8, $9, $10)
