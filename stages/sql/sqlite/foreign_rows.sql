INSERT INTO main.:"table" (:columns) SELECT :columns FROM live.:"table"
