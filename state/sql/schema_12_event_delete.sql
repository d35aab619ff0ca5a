CREATE TRIGGER event_delete BEFORE DELETE ON event
BEGIN
	SELECT RAISE(ABORT, 'the history is append-only: an event cannot be removed');
END
