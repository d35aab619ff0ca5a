-- When a record was mended, and whether that was in this transaction.
SELECT to_char(mended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), xmin = pg_current_xact_id()::xid
FROM dvf_import.mended WHERE edition = $1 AND record = $2
