-- SPDX-License-Identifier: MIT
-- Where the store was copied to, if it was: nobody serves from it then.

CREATE TABLE moved (one BIGINT PRIMARY KEY CHECK (one=1), whereto TEXT COLLATE "C", at DOUBLE PRECISION);
