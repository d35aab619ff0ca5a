-- Editions of the year ?1, or of all with 0; as long as this is read the file is one snapshot.
SELECT id, sha256, year, stage
FROM dvf_import_source
WHERE ?1 IN (0, year)
ORDER BY year, sha256, id
