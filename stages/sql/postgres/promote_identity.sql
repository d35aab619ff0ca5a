-- Whether a destination is still the database it was made in.
SELECT uuid, database_oid = $1::oid AND system_identifier = $2::bigint, schema_version FROM dvf_import.destination
