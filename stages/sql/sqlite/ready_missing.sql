-- Years that the attached file serves and this one does not, and whether this one has begun or judged an edition of it.
SELECT year, year IN (SELECT year FROM main.dvf_import_source WHERE under IS NOT 'revert')
FROM live.dvf_import_source
WHERE stage = 'published'
	AND year NOT IN (SELECT year FROM main.dvf_import_source WHERE stage = 'published')
ORDER BY year
