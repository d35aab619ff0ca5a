-- What the columns of a table are now; quote_all_identifiers quotes even the names of types.
SELECT attname, replace(format_type(atttypid, atttypmod), '"', '')
FROM pg_attribute
WHERE attrelid = :'dvf'::regclass AND attnum > 0 AND NOT attisdropped
