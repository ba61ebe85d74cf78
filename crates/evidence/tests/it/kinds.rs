//! Every kind is told by its content, whatever the file is called.
