-- A key that stops signing verifies until its last token has expired, however many follow it:
-- there may be more than one.
CREATE TABLE signing_keys_by_name (
    kid TEXT PRIMARY KEY,
    place TEXT NOT NULL CHECK (place IN ('retired', 'current', 'next')),
    seed TEXT NOT NULL,
    stored_ms BIGINT NOT NULL,
    retired_s BIGINT,
    CHECK ((place = 'retired') = (retired_s IS NOT NULL))
);
INSERT INTO signing_keys_by_name (kid, place, seed, stored_ms, retired_s)
SELECT kid, 'retired', seed, stored_ms, stored_ms / 1000 FROM signing_keys WHERE place = 'previous'
UNION ALL SELECT kid, place, seed, stored_ms, NULL FROM signing_keys WHERE place <> 'previous';
DROP TABLE signing_keys;
ALTER TABLE signing_keys_by_name RENAME TO signing_keys;
