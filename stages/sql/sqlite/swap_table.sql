-- Which file a promote or revert meant to make live, before it did: so that saying it again never swaps twice.
CREATE TABLE IF NOT EXISTS dvf_import_swap (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL CHECK (kind IN ('promote', 'revert')),
	live TEXT NOT NULL,
	instead_of TEXT,
	run TEXT NOT NULL,
	meant_at TEXT NOT NULL,
	done_at TEXT
)
