CREATE UNIQUE INDEX IF NOT EXISTS dvf_import_source_incoming
ON dvf_import_source (year, sha256) WHERE stage <> 'published'
