CREATE INDEX IF NOT EXISTS :"index" ON :"table" (code_commune, date_mutation)
