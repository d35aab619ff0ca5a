-- The last promote or revert that a database was told of.
SELECT number, kind, live, coalesce(instead_of::text, ''), done_at IS NOT NULL, coalesce(outgoing, 0)
FROM dvf_import.swap ORDER BY number DESC LIMIT 1
