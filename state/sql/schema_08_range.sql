CREATE TABLE range (
	destination INTEGER NOT NULL REFERENCES destination (id),
	sha256 TEXT NOT NULL,
	plain_first INTEGER NOT NULL,
	plain_end INTEGER NOT NULL CHECK (plain_first < plain_end),
	first_record INTEGER NOT NULL,
	rows INTEGER NOT NULL,
	rejects INTEGER NOT NULL,
	PRIMARY KEY (destination, sha256, plain_first)
) STRICT, WITHOUT ROWID
