-- Editions that were begun and are not served. A hold that a revert left is none.
SELECT year, stage, coalesce(why, '') FROM dvf_import.source
WHERE stage IN ('incoming', 'ready', 'held') AND under IS DISTINCT FROM 'revert'
ORDER BY year, stage
