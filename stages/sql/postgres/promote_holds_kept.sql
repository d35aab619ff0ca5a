-- What a revert holds here; it stays held in the database that takes this one's place.
SELECT coalesce(json_agg(s), '[]') FROM dvf_import.source s WHERE stage = 'held' AND under = 'revert'
