#!/bin/bash
# The whole job as a careful person writes it with curl, gunzip, psql and CREATE INDEX: what dvf-import is compared with.
#
#   by_hand.sh SOURCE FOLDER YEAR...      SOURCE has {year} in it; the database is libpq's PG* variables'
#
# FOLDER holds what the author would have typed: table.sql (dvf, partitioned by year, with its indexes), columns (of the
# file), indexes.sql (of one year, :table). Any failure ends it; a year is seen when it is attached.
set -euo pipefail

source=$1
folder=$2
shift 2
sql() {
	psql -X -q -v ON_ERROR_STOP=1 "$@"
}

sql -f "$folder/table.sql"
columns=$(cat "$folder/columns")
for year in "$@"; do
	packed=$folder/$year.csv.gz
	curl -fsS --retry 3 -o "$packed.part" "${source//\{year\}/$year}"
	mv "$packed.part" "$packed"
	sql -c "CREATE SEQUENCE number_$year CACHE 1000" \
		-c "CREATE TABLE dvf_$year (LIKE dvf, CHECK (source_year = $year))" \
		-c "ALTER TABLE dvf_$year ALTER source_year SET DEFAULT $year,
			ALTER source_row SET DEFAULT nextval('number_$year')"
	gunzip -c "$packed" | sql -c "COPY dvf_$year ($columns) FROM STDIN (FORMAT csv, HEADER match)"
	sql -v table="dvf_$year" -f "$folder/indexes.sql" -c "ANALYZE dvf_$year" \
		-c "ALTER TABLE dvf_$year ALTER source_year DROP DEFAULT, ALTER source_row DROP DEFAULT" \
		-c "ALTER TABLE dvf ATTACH PARTITION dvf_$year FOR VALUES IN ($year)"
done
sql -c "ANALYZE dvf"
