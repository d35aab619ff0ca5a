-- Rejects that a person mended: their rows are in dvf, what the file has is here.
CREATE TABLE IF NOT EXISTS dvf_import_mended (
	source INTEGER NOT NULL REFERENCES dvf_import_source (id),
	record INTEGER NOT NULL,
	plain_first INTEGER NOT NULL,
	plain_end INTEGER NOT NULL,
	column_name TEXT,
	reason TEXT NOT NULL,
	raw BLOB NOT NULL,
	mended BLOB NOT NULL,
	mended_at TEXT NOT NULL,
	PRIMARY KEY (source, record)
)
