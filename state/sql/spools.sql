SELECT file, etag, last_modified, announced_size,
	sha256, packed_size, verified, plain_size, year, url
FROM spool
WHERE NOT dropped
ORDER BY year, url
