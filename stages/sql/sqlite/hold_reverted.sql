-- Editions that the attached file serves and this one neither serves nor holds yet.
SELECT id, year, sha256 FROM live.dvf_import_source AS l
WHERE stage = 'published' AND NOT EXISTS (
	SELECT 1 FROM main.dvf_import_source AS m
	WHERE m.year = l.year AND m.sha256 = l.sha256
		AND (m.stage = 'published' OR (m.stage = 'held' AND m.under = 'revert')))
LIMIT 1
