-- No CHECK here: quick_check would take an edited event for a damaged file and set the history aside.
CREATE TABLE event (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	at TEXT NOT NULL,
	run INTEGER REFERENCES run (id),
	kind TEXT NOT NULL,
	year INTEGER,
	body TEXT NOT NULL,
	hash TEXT NOT NULL
) STRICT
