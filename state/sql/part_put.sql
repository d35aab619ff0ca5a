INSERT INTO part (year, url, file, etag, last_modified, announced_size, durable)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (year, url) DO UPDATE SET
	file = excluded.file,
	etag = excluded.etag,
	last_modified = excluded.last_modified,
	announced_size = excluded.announced_size,
	durable = excluded.durable
