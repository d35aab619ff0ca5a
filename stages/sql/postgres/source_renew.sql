-- What the server said of the same bytes last.
UPDATE dvf_import.source SET url = $3, etag = nullif($4, ''), last_modified = nullif($5, '')
WHERE year = $1 AND sha256 = $2 AND stage = 'published'
