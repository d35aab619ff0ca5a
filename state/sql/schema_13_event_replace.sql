-- INSERT OR REPLACE removes a row without asking the DELETE trigger.
CREATE TRIGGER event_replace BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE number = NEW.number)
BEGIN
	SELECT RAISE(ABORT, 'the history is append-only: an event cannot be replaced');
END
