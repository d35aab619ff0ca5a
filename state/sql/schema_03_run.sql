CREATE TABLE run (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	version TEXT NOT NULL,
	host TEXT NOT NULL,
	settings TEXT NOT NULL CHECK (json_type(settings) = 'object'),
	started_at TEXT NOT NULL,
	ended_at TEXT,
	outcome TEXT,
	exit_code INTEGER,
	peak_memory INTEGER
) STRICT
