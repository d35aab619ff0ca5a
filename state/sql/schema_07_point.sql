CREATE TABLE point (
	sha256 TEXT NOT NULL,
	plain INTEGER NOT NULL,
	packed INTEGER NOT NULL,
	member_plain INTEGER NOT NULL,
	crc INTEGER NOT NULL,
	bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 7),
	kind TEXT NOT NULL CHECK (kind IN ('member', 'block')),
	window BLOB,
	PRIMARY KEY (sha256, plain)
) STRICT
