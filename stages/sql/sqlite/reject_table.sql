CREATE TABLE IF NOT EXISTS dvf_import_reject (
	source INTEGER NOT NULL REFERENCES dvf_import_source (id),
	record INTEGER NOT NULL,
	plain_first INTEGER NOT NULL,
	plain_end INTEGER NOT NULL,
	column_name TEXT,
	reason TEXT NOT NULL,
	raw BLOB NOT NULL,
	PRIMARY KEY (source, record)
)
