-- What the server said of the same bytes last.
UPDATE dvf_import_source
SET url = ?3, etag = ?4, last_modified = ?5, announced_size = ?6, packed_size = ?7
WHERE id = ?8 AND year = ?1 AND sha256 = ?2
