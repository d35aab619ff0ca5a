-- Tables of one layout have the same columns in the same order; so SQLite need not take rows apart.
INSERT INTO main.:"table" SELECT * FROM live.:"from"
