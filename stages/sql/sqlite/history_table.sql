-- Heads of the histories that were told to this destination: a ledger that was rewritten or shortened is found out.
CREATE TABLE IF NOT EXISTS dvf_import_history (
	position INTEGER PRIMARY KEY AUTOINCREMENT,
	chain TEXT NOT NULL,
	number INTEGER NOT NULL,
	hash TEXT NOT NULL,
	why TEXT NOT NULL,
	told_at TEXT NOT NULL,
	UNIQUE (chain, number)
)
