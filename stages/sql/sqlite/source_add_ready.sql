ALTER TABLE dvf_import_source ADD COLUMN ready_at TEXT
