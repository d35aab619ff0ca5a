-- Whether the database that a swap left to be dropped is still there; never another of the same name.
SELECT FROM pg_database WHERE datname = $1::name AND oid = $2::oid
