-- Records that people mended in the attached file, of editions that this one serves too and has as rejects.
SELECT n.year, count(*)
FROM live.dvf_import_mended m
JOIN live.dvf_import_source l ON l.id = m.source
JOIN main.dvf_import_source n ON n.year = l.year AND n.sha256 = l.sha256 AND n.stage = 'published'
WHERE NOT EXISTS (SELECT 1 FROM main.dvf_import_mended w WHERE w.source = n.id AND w.record = m.record)
GROUP BY n.year
ORDER BY n.year
