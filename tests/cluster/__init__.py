"""The product on a real Temporal cluster: several processes of the server, on PostgreSQL. Outside `make test`, because it takes Go."""
