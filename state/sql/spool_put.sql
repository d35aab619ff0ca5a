INSERT INTO spool (year, url, file, etag, last_modified, announced_size,
	sha256, packed_size, verified, plain_size)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (year, url) DO UPDATE SET
	file = excluded.file,
	etag = excluded.etag,
	last_modified = excluded.last_modified,
	announced_size = excluded.announced_size,
	sha256 = excluded.sha256,
	packed_size = excluded.packed_size,
	verified = excluded.verified,
	plain_size = excluded.plain_size,
	dropped = 0
