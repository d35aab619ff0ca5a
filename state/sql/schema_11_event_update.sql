CREATE TRIGGER event_update BEFORE UPDATE ON event
BEGIN
	SELECT RAISE(ABORT, 'the history is append-only: an event cannot be changed');
END
