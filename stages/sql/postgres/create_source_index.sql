CREATE UNIQUE INDEX IF NOT EXISTS source_one_published ON dvf_import.source (year) WHERE stage = 'published'
