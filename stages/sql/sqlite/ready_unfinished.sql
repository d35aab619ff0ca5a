SELECT year, stage, coalesce(why, '') FROM main.dvf_import_source
WHERE stage IN ('incoming', 'ready') OR (stage = 'held' AND under IS NOT 'revert')
ORDER BY year
