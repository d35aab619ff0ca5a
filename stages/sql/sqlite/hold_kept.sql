-- Editions that a revert holds in the attached file; one that this file serves is held no longer.
SELECT id, year, sha256 FROM live.dvf_import_source AS l
WHERE stage = 'held' AND under = 'revert' AND NOT EXISTS (
	SELECT 1 FROM main.dvf_import_source AS m
	WHERE m.year = l.year AND m.sha256 = l.sha256
		AND (m.stage = 'published' OR (m.stage = 'held' AND m.under = 'revert')))
LIMIT 1
