-- Whether an edition's tables are there, and the incoming one still is like dvf, which people may have altered.
SELECT to_regclass(format('dvf_import.%I', :'incoming')) IS NOT NULL
       AND to_regclass(format('dvf_import.%I', :'chunk')) IS NOT NULL
       AND NOT EXISTS (
           (SELECT attname, atttypid, atttypmod, attcollation, attnotnull FROM pg_attribute
            WHERE attrelid = :'dvf'::regclass AND attnum > 0 AND NOT attisdropped
            EXCEPT
            SELECT attname, atttypid, atttypmod, attcollation, attnotnull FROM pg_attribute
            WHERE attrelid = to_regclass(format('dvf_import.%I', :'incoming')) AND attnum > 0 AND NOT attisdropped)
           UNION ALL
           (SELECT attname, atttypid, atttypmod, attcollation, attnotnull FROM pg_attribute
            WHERE attrelid = to_regclass(format('dvf_import.%I', :'incoming')) AND attnum > 0 AND NOT attisdropped
            EXCEPT
            SELECT attname, atttypid, atttypmod, attcollation, attnotnull FROM pg_attribute
            WHERE attrelid = :'dvf'::regclass AND attnum > 0 AND NOT attisdropped))
       AND NOT EXISTS (SELECT FROM pg_constraint k
                       WHERE k.conrelid = :'dvf'::regclass AND k.contype = 'c'
                         AND NOT EXISTS (SELECT FROM pg_constraint o
                                         WHERE o.conrelid = to_regclass(format('dvf_import.%I', :'incoming'))
                                           AND o.conname = k.conname
                                           AND pg_get_constraintdef(o.oid) = pg_get_constraintdef(k.oid)))
