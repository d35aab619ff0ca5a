"""Sales as dvf_sale must show them, from the files themselves, by other means than the view's.

A local is what its values say; of the pieces of land of its parcel (and of the parts of the deed) it is counted
on the one where it is least often. A piece of land is its parcel, use and area.
"""
import collections
import statistics
from decimal import Decimal

import reference

LOCAL = ("id_parcelle", "code_type_local", "surface_reelle_bati", "nombre_pieces_principales", "numero_volume",
         "nombre_lots", "lot1_numero", "lot2_numero", "lot3_numero", "lot4_numero", "lot5_numero", "adresse_numero",
         "adresse_suffixe", "adresse_code_voie")
LAND = ("id_parcelle", "code_nature_culture", "code_nature_culture_speciale", "surface_terrain")
COLUMNS = ("source_year", "id_mutation", "date_mutation", "nature_mutation", "valeur_fonciere", "code_commune",
           "nom_commune", "code_departement", "nombre_communes", "nombre_parcelles", "nombre_logements",
           "nombre_maisons", "nombre_appartements", "nombre_dependances", "nombre_locaux_activite",
           "nombre_pieces_principales", "surface_logements", "surface_reelle_bati", "surface_terrain", "longitude",
           "latitude", "nombre_lignes")


def only(values):
    """The one value besides None that is there; None when there is none, or are several."""
    found = set(values) - {None}
    return found.pop() if len(found) == 1 else None


def total(values):
    """None without a value that is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def locals_of(rows):
    """{the values of a local: how often it is in the sale}"""
    seen = collections.Counter((tuple(row[name] for name in LOCAL),
                                (row["numero_disposition"], *(row[name] for name in LAND))) for row in rows)
    times = {}
    for (local, _), count in seen.items():
        times[local] = min(count, times.get(local, count))
    return times


def middle(values):
    known = [value for value in values if value is not None]
    return (min(known) + max(known)) / 2 if known else None


def sale(year, rows):
    """One sale, as a row of dvf_sale."""
    times = locals_of(rows)
    kinds, area, rooms = LOCAL.index("code_type_local"), LOCAL.index("surface_reelle_bati"), LOCAL.index(
        "nombre_pieces_principales")
    count = {kind: sum(n for local, n in times.items() if local[kinds] == kind) for kind in (1, 2, 3, 4)}

    def of(column, dwellings):
        return total(n * local[column] for local, n in times.items()
                     if local[column] is not None and (not dwellings or local[kinds] in (1, 2)))

    dwellings = [row for row in rows if row["code_type_local"] in (1, 2)]
    home = min(dwellings or rows, key=lambda row: row["code_commune"])
    land = {tuple(row[name] for name in LAND) for row in rows}
    return (year, rows[0]["id_mutation"], rows[0]["date_mutation"], rows[0]["nature_mutation"],
            only(row["valeur_fonciere"] for row in rows), home["code_commune"], home["nom_commune"],
            home["code_departement"], len({row["code_commune"] for row in rows}),
            len({row["id_parcelle"] for row in rows}), count[1] + count[2], count[1], count[2], count[3], count[4],
            of(rooms, True), of(area, True), of(area, False), total(piece[3] for piece in land),
            middle(row["longitude"] for row in rows), middle(row["latitude"] for row in rows), len(rows))


def sales(year, path):
    """{id_mutation: row of dvf_sale}"""
    found = collections.defaultdict(list)
    for _, values in reference.rows(path):
        row = dict(zip(reference.NAMES, values))
        found[row["id_mutation"]].append(row)
    return {mutation: sale(year, rows) for mutation, rows in found.items()}


def prices(found):
    """{(year, commune, kind): (sales, median, mean)} of rows of dvf_sale."""
    groups = collections.defaultdict(list)
    for row in (dict(zip(COLUMNS, values)) for values in found):
        if row["nature_mutation"] == "Vente" and row["nombre_logements"] == 1 and row["nombre_communes"] == 1 and \
                row["nombre_locaux_activite"] == 0 and row["valeur_fonciere"] and row["surface_logements"]:
            kind = "Maison" if row["nombre_maisons"] else "Appartement"
            groups[row["source_year"], row["code_commune"], kind].append(row)
    return {key: (len(rows), statistics.median(row["valeur_fonciere"] / row["surface_logements"] for row in rows),
                  sum(row["valeur_fonciere"] for row in rows) / sum(row["surface_logements"] for row in rows))
            for key, rows in groups.items()}


def comparable(row):
    """Numbers of both kinds of destination alike: SQLite has no decimals and no dates."""
    out = []
    for name, value in zip(COLUMNS, row):
        if value is not None and name in ("longitude", "latitude"):
            value = round(float(value), 6)
        elif value is not None and (name.startswith("surface") or name == "valeur_fonciere"):
            value = Decimal(str(value)).quantize(Decimal("0.01"))
        out.append(str(value) if name == "date_mutation" else value)
    return tuple(out)
