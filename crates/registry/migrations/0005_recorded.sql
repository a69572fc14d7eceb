-- Whether the gateway writes the stream to files, which are listed by their names.
ALTER TABLE streams ADD COLUMN is_recorded BIGINT NOT NULL DEFAULT 0 CHECK (is_recorded IN (0, 1));
