CREATE TABLE year (
	destination INTEGER NOT NULL REFERENCES destination (id),
	year INTEGER NOT NULL,
	stage TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	packed_done INTEGER NOT NULL,
	packed_size INTEGER NOT NULL,
	plain_done INTEGER NOT NULL,
	plain_size INTEGER NOT NULL,
	rows INTEGER NOT NULL,
	rejects INTEGER NOT NULL,
	elapsed_ms INTEGER NOT NULL,
	message TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	PRIMARY KEY (destination, year)
) STRICT, WITHOUT ROWID
