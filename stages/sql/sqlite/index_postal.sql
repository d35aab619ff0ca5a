CREATE INDEX IF NOT EXISTS :"index" ON :"table" (code_postal, type_local)
