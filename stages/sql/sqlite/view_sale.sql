-- One row a sale. The file has a row for each local on each piece of land of each parcel, so on a parcel of several pieces the same
-- local comes several times: it counts as often as on the piece where it is least (local_turn 1). A piece counts once (land_turn 1).
-- A local is known by nothing but its values; so are two that are really there twice. docs/DATA.md says what that costs.
CREATE VIEW dvf_sale AS /* made by dvf-import, version 1 */
SELECT source_year,
       id_mutation,
       min(date_mutation) AS date_mutation,
       min(nature_mutation) AS nature_mutation,
       CASE WHEN min(price_least) = max(price_most) THEN min(price_least) END AS valeur_fonciere,
       coalesce(min(CASE WHEN code_type_local IN (1, 2) THEN code_commune END), min(code_commune)) AS code_commune,
       substr(coalesce(min(CASE WHEN code_type_local IN (1, 2) THEN place END), min(place)),
              1 + instr(coalesce(min(CASE WHEN code_type_local IN (1, 2) THEN place END), min(place)), '|')) AS nom_commune,
       coalesce(min(CASE WHEN code_type_local IN (1, 2) THEN code_departement END), min(code_departement)) AS code_departement,
       count(DISTINCT code_commune) AS nombre_communes,
       count(DISTINCT id_parcelle) AS nombre_parcelles,
       coalesce(sum(CASE WHEN local_turn = 1 AND code_type_local IN (1, 2) THEN times END), 0) AS nombre_logements,
       coalesce(sum(CASE WHEN local_turn = 1 AND code_type_local = 1 THEN times END), 0) AS nombre_maisons,
       coalesce(sum(CASE WHEN local_turn = 1 AND code_type_local = 2 THEN times END), 0) AS nombre_appartements,
       coalesce(sum(CASE WHEN local_turn = 1 AND code_type_local = 3 THEN times END), 0) AS nombre_dependances,
       coalesce(sum(CASE WHEN local_turn = 1 AND code_type_local = 4 THEN times END), 0) AS nombre_locaux_activite,
       sum(CASE WHEN local_turn = 1 AND code_type_local IN (1, 2) THEN times * nombre_pieces_principales END)
           AS nombre_pieces_principales,
       sum(CASE WHEN local_turn = 1 AND code_type_local IN (1, 2) THEN times * surface_reelle_bati END) AS surface_logements,
       sum(CASE WHEN local_turn = 1 THEN times * surface_reelle_bati END) AS surface_reelle_bati,
       sum(CASE WHEN land_turn = 1 THEN surface_terrain END) AS surface_terrain,
       (min(west) + max(east)) / 2 AS longitude,
       (min(south) + max(north)) / 2 AS latitude,
       sum(times) AS nombre_lignes
FROM (SELECT source_year, id_mutation, id_parcelle, code_type_local, surface_reelle_bati, nombre_pieces_principales, surface_terrain,
             count(*) AS times,
             row_number() OVER (
                 PARTITION BY source_year, id_mutation, id_parcelle, code_type_local, surface_reelle_bati, nombre_pieces_principales,
                              numero_volume, nombre_lots, lot1_numero, lot2_numero, lot3_numero, lot4_numero, lot5_numero,
                              adresse_numero, adresse_suffixe, adresse_code_voie
                 ORDER BY count(*)) AS local_turn,
             row_number() OVER (
                 PARTITION BY source_year, id_mutation, id_parcelle, code_nature_culture, code_nature_culture_speciale, surface_terrain)
                 AS land_turn,
             min(date_mutation) AS date_mutation, min(nature_mutation) AS nature_mutation,
             min(valeur_fonciere) AS price_least, max(valeur_fonciere) AS price_most,
             min(code_commune) AS code_commune,
             min(code_departement) AS code_departement,
             min(code_commune || '|' || nom_commune) AS place,
             min(longitude) AS west, max(longitude) AS east, min(latitude) AS south, max(latitude) AS north
      FROM dvf
      GROUP BY source_year, id_mutation, numero_disposition, id_parcelle, code_type_local, surface_reelle_bati,
               nombre_pieces_principales, numero_volume, nombre_lots, lot1_numero, lot2_numero, lot3_numero, lot4_numero, lot5_numero,
               adresse_numero, adresse_suffixe, adresse_code_voie, code_nature_culture, code_nature_culture_speciale, surface_terrain
     ) AS piece
GROUP BY source_year, id_mutation
