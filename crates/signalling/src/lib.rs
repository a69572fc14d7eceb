//! Who is connected and who may talk to whom. Pure.
