CREATE UNIQUE INDEX IF NOT EXISTS dvf_import_source_published
ON dvf_import_source (year) WHERE stage = 'published'
