-- Chunks that had rejects: ranges are kept merged, and do not tell where in the file those are.
CREATE TABLE reject_place (
	destination INTEGER NOT NULL REFERENCES destination (id),
	sha256 TEXT NOT NULL,
	plain_first INTEGER NOT NULL,
	plain_end INTEGER NOT NULL,
	rejects INTEGER NOT NULL,
	PRIMARY KEY (destination, sha256, plain_first)
) STRICT, WITHOUT ROWID
