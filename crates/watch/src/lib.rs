//! Record, mail log and lists, looked at continuously; what is wrong becomes an alert with its proof.
