-- Years that the attached file serves and this one does not.
SELECT year FROM live.dvf_import_source
WHERE stage = 'published'
	AND year NOT IN (SELECT year FROM main.dvf_import_source WHERE stage = 'published')
ORDER BY year
