-- Semicolons; "quotes"; \ backslashes; ${braces} and @signs@ must survive being embedded.
CREATE TABLE banyan.example (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text text NOT NULL DEFAULT ';"\${x}@y@'
);
