CREATE TRIGGER IF NOT EXISTS dvf_import_history_update BEFORE UPDATE ON dvf_import_history
BEGIN
	SELECT RAISE(ABORT, 'dvf_import_history is append-only: what was told is not changed');
END
