CREATE INDEX IF NOT EXISTS :"index" ON :"table" (id_parcelle)
