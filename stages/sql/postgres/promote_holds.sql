-- The editions a database serves, for the one that is put back in its place.
SELECT coalesce(json_agg(s), '[]') FROM dvf_import.source s WHERE stage = 'published'
