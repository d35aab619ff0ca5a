-- What the witness does not have any more is not there, nor are its rejects.
DELETE FROM reject_place
WHERE destination = ?1 AND sha256 = ?2 AND NOT EXISTS (
	SELECT 1 FROM range
	WHERE range.destination = ?1 AND range.sha256 = ?2
		AND range.plain_first <= reject_place.plain_first
		AND range.plain_end >= reject_place.plain_end)
