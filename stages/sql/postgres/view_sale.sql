-- One row a sale. The file has a row for each local on each piece of land of each parcel, so on a parcel of several pieces the same
-- local comes several times: it counts as often as on the piece where it is least (local_turn 1). A piece counts once (land_turn 1).
-- A local is known by nothing but its values; so are two that are really there twice. docs/DATA.md says what that costs.
CREATE OR REPLACE VIEW :schema.dvf_sale :options AS
SELECT source_year,
       id_mutation,
       min(date_mutation) AS date_mutation,
       min(nature_mutation) AS nature_mutation,
       CASE WHEN min(price_least) = max(price_most) THEN min(price_least) END AS valeur_fonciere,
       coalesce(min(code_commune) FILTER (WHERE code_type_local IN (1, 2)), min(code_commune)) AS code_commune,
       split_part(coalesce(min(place) FILTER (WHERE code_type_local IN (1, 2)), min(place)), '|', 2) AS nom_commune,
       coalesce(min(code_departement) FILTER (WHERE code_type_local IN (1, 2)), min(code_departement)) AS code_departement,
       count(DISTINCT code_commune)::integer AS nombre_communes,
       count(DISTINCT id_parcelle)::integer AS nombre_parcelles,
       coalesce(sum(times) FILTER (WHERE local_turn = 1 AND code_type_local IN (1, 2)), 0)::integer AS nombre_logements,
       coalesce(sum(times) FILTER (WHERE local_turn = 1 AND code_type_local = 1), 0)::integer AS nombre_maisons,
       coalesce(sum(times) FILTER (WHERE local_turn = 1 AND code_type_local = 2), 0)::integer AS nombre_appartements,
       coalesce(sum(times) FILTER (WHERE local_turn = 1 AND code_type_local = 3), 0)::integer AS nombre_dependances,
       coalesce(sum(times) FILTER (WHERE local_turn = 1 AND code_type_local = 4), 0)::integer AS nombre_locaux_activite,
       (sum(times * nombre_pieces_principales) FILTER (WHERE local_turn = 1 AND code_type_local IN (1, 2)))::integer
           AS nombre_pieces_principales,
       sum(times * surface_reelle_bati) FILTER (WHERE local_turn = 1 AND code_type_local IN (1, 2)) AS surface_logements,
       sum(times * surface_reelle_bati) FILTER (WHERE local_turn = 1) AS surface_reelle_bati,
       sum(surface_terrain) FILTER (WHERE land_turn = 1) AS surface_terrain,
       (min(west) + max(east)) / 2 AS longitude,
       (min(south) + max(north)) / 2 AS latitude,
       sum(times)::integer AS nombre_lignes
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
             min(code_commune || '|' || nom_commune COLLATE "C") AS place,
             min(longitude) AS west, max(longitude) AS east, min(latitude) AS south, max(latitude) AS north
      FROM :dvf
      GROUP BY source_year, id_mutation, numero_disposition, id_parcelle, code_type_local, surface_reelle_bati,
               nombre_pieces_principales, numero_volume, nombre_lots, lot1_numero, lot2_numero, lot3_numero, lot4_numero, lot5_numero,
               adresse_numero, adresse_suffixe, adresse_code_voie, code_nature_culture, code_nature_culture_speciale, surface_terrain
     ) AS piece
GROUP BY source_year, id_mutation
