-- Editions that were begun and are not served. A hold that a revert left is none; one that was refused is, where
-- nothing else of its year is served.
SELECT year, stage, coalesce(why, '') FROM dvf_import.source s
WHERE (stage IN ('incoming', 'ready', 'held') AND under IS DISTINCT FROM 'revert')
   OR (stage = 'refused' AND NOT EXISTS (SELECT FROM dvf_import.source o WHERE o.year = s.year AND o.stage = 'published'))
ORDER BY year, stage
