-- Whether a limit on whole transactions, which PostgreSQL 17 brought, does not end the session in the middle of a VACUUM. One on
-- statements it has from here on, where the role has none: FREEZE waits for a page that a reader's cursor stands on.
SELECT coalesce(current_setting('transaction_timeout', true), '0') = '0',
       CASE WHEN current_setting('statement_timeout') = '0' THEN set_config('statement_timeout', '15min', false) END
