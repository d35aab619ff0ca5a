CREATE TABLE IF NOT EXISTS dvf_import_destination (
	only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
	uuid TEXT NOT NULL,
	token TEXT NOT NULL,
	holder TEXT NOT NULL,
	inode INTEGER NOT NULL,
	schema_version INTEGER NOT NULL,
	taken_at TEXT NOT NULL
)
