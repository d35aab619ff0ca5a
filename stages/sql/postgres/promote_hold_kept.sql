-- One that this database serves is held no longer.
INSERT INTO dvf_import.source
SELECT (json_populate_record(NULL::dvf_import.source, o)).* FROM json_array_elements($1::json) o
ON CONFLICT (edition) DO NOTHING
