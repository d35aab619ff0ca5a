-- Which file a promote or revert meant to make live, before it did: so that saying it again never swaps twice. The
-- files by their bare names: live_file is this one, instead_file had been live, gone_file is removed after it.
CREATE TABLE IF NOT EXISTS dvf_import_swap (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	id TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL CHECK (kind IN ('promote', 'revert')),
	live TEXT NOT NULL,
	instead_of TEXT,
	run TEXT NOT NULL,
	meant_at TEXT NOT NULL,
	done_at TEXT,
	live_file TEXT NOT NULL,
	instead_file TEXT,
	gone_file TEXT
)
