"""Authorization: permissions of users, and rules for the server's own credentials. Pure: no store, no network."""
