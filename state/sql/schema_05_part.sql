CREATE TABLE part (
	year INTEGER NOT NULL,
	url TEXT NOT NULL,
	file TEXT NOT NULL,
	etag TEXT NOT NULL,
	last_modified TEXT NOT NULL,
	announced_size INTEGER,
	durable INTEGER NOT NULL,
	PRIMARY KEY (year, url)
) STRICT, WITHOUT ROWID
