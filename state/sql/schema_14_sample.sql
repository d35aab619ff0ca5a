-- How fast a run was and how much memory it used, over its time: what the plots of serve show.
CREATE TABLE sample (
	run INTEGER NOT NULL REFERENCES run (id),
	at_ms INTEGER NOT NULL,
	rows INTEGER NOT NULL,
	memory INTEGER NOT NULL,
	memory_limit INTEGER NOT NULL,
	PRIMARY KEY (run, at_ms)
) STRICT, WITHOUT ROWID
