-- Waits for chunk transactions in flight: they hold the row FOR SHARE. A run that lost its connection gives
-- the token it had ($4), the one it asked for when the answer to that was lost ($5), and the one that was there
-- before ($6: a server that was put back to an older copy, or a standby that was behind): it must not take the
-- destination back from a newer one. Tokens are random, so that nobody's can be taken for another's. A copied or
-- restored database gets an identity of its own.
UPDATE dvf_import.destination
SET token = ('x' || left(md5(gen_random_uuid()::text), 15))::bit(60)::bigint,
    holder = $1,
    uuid = CASE WHEN database_oid = $2::oid AND system_identifier = $3::bigint THEN uuid ELSE gen_random_uuid() END,
    database_oid = $2::oid,
    system_identifier = $3::bigint
WHERE $4::bigint IS NULL OR token = $4::bigint OR token = $5::bigint OR token = $6::bigint
RETURNING uuid, token, schema_version
