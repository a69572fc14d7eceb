//! Words both ends speak: ids, signalling messages, HTTP bodies, control frames, problems.
