CREATE TABLE IF NOT EXISTS dvf_import_chunk (
	source INTEGER NOT NULL REFERENCES dvf_import_source (id),
	plain_first INTEGER NOT NULL,
	plain_end INTEGER NOT NULL CHECK (plain_first < plain_end),
	first_record INTEGER NOT NULL,
	rows INTEGER NOT NULL,
	rejects INTEGER NOT NULL,
	crc32 INTEGER NOT NULL,
	PRIMARY KEY (source, plain_first)
) WITHOUT ROWID
