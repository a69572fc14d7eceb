-- Which pair took the place of the one that an entry is about.
ALTER TABLE audit_log ADD COLUMN replaced_by TEXT;
