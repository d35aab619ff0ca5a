-- Years of which the attached file serves an edition that came into it after what is served here was put beside another,
-- or beside none. What no staging run has looked at does not say beside what: then the one that was published later is
-- the newer one.
SELECT l.year
FROM live.dvf_import_source l
JOIN main.dvf_import_source s ON s.year = l.year AND s.stage = 'published' AND s.sha256 <> l.sha256
WHERE l.stage = 'published'
	AND EXISTS (SELECT 1 FROM live.sqlite_master WHERE type = 'table' AND name = l.table_name)
	AND CASE WHEN s.under IS NOT NULL THEN s.under <> 'beside ' || l.sha256
		ELSE s.published_at < l.published_at END
ORDER BY l.year
