SELECT file, etag, last_modified, announced_size,
	sha256, packed_size, verified, plain_size, year, url
FROM spool
WHERE year = ?1 AND url = ?2 AND NOT dropped
