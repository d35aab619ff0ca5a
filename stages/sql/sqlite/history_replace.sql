-- INSERT OR REPLACE removes a row without asking the DELETE trigger.
CREATE TRIGGER IF NOT EXISTS dvf_import_history_replace BEFORE INSERT ON dvf_import_history
WHEN EXISTS (SELECT 1 FROM dvf_import_history
	WHERE position = NEW.position OR (chain = NEW.chain AND number = NEW.number))
BEGIN
	SELECT RAISE(ABORT, 'dvf_import_history is append-only: what was told is not replaced');
END
