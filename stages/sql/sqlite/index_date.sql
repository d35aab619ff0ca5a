CREATE INDEX IF NOT EXISTS :"index" ON :"table" (date_mutation)
