#!/bin/sh
# Create a role for Flaghoist and one for Temporal, each owning its databases. Runs once, when PostgreSQL's volume is empty.
set -eu

psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv database_password DATABASE_PASSWORD
\getenv temporal_database_password TEMPORAL_DATABASE_PASSWORD
CREATE ROLE flaghoist LOGIN PASSWORD :'database_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_database_password';
CREATE DATABASE flaghoist OWNER flaghoist;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE flaghoist, temporal, temporal_visibility FROM PUBLIC;
SQL
