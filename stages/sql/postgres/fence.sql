-- Waits for chunk transactions in flight: they hold the row FOR SHARE. A run that lost its connection gives
-- the token it had: it must not take the destination back from a newer one. A copied or restored database gets
-- an identity of its own.
UPDATE dvf_import.destination
SET token = token + 1,
    holder = $1,
    uuid = CASE WHEN database_oid = $2::oid AND system_identifier = $3::bigint THEN uuid ELSE gen_random_uuid() END,
    database_oid = $2::oid,
    system_identifier = $3::bigint
WHERE $4::bigint IS NULL OR token = $4::bigint
RETURNING uuid, token, schema_version
