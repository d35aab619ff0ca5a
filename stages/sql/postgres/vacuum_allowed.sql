-- Whether a limit on whole transactions, which PostgreSQL 17 brought, does not end the session in the middle of a VACUUM.
SELECT coalesce(current_setting('transaction_timeout', true), '0') = '0'
