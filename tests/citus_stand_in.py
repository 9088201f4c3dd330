"""What a city asks of Citus, answered by plain functions on a plain PostgreSQL: to see what is asked, not what it does.

They note each call, and refuse what Citus refuses by its documentation: a unique key without the column that decides, a
foreign key, a trigger, a group of columns of different types, a table twice. Nothing is spread: no shard, no second
machine, no distributed transaction is behind them.
"""

from __future__ import annotations

import psycopg

__all__ = ["stand_in"]

_SQL = """
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
VALUES (999999, 'citus', 10, 'pg_catalog'::regnamespace, false, 'stand-in');

CREATE TABLE public.pg_dist_partition (
  logicalrelid regclass PRIMARY KEY, partmethod "char" NOT NULL, partkey text, beside text, place serial
);

CREATE FUNCTION public.plain_or_refuse(wanted regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.pg_dist_partition WHERE logicalrelid = wanted) THEN
    RAISE EXCEPTION 'table % is already distributed', wanted;
  END IF;
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = wanted AND NOT tgisinternal) THEN
    RAISE EXCEPTION 'triggers are not supported on distributed tables: %', wanted;
  END IF;
  IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND wanted IN (conrelid, confrelid)) THEN
    RAISE EXCEPTION 'cannot create foreign key constraint: %', wanted;
  END IF;
END $$;

CREATE FUNCTION public.create_reference_table(wanted regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM public.plain_or_refuse(wanted);
  INSERT INTO public.pg_dist_partition VALUES (wanted, 'n');
END $$;

CREATE FUNCTION public.create_distributed_table(wanted regclass, decides text, colocate_with text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  deciding record;
  other record;
BEGIN
  PERFORM public.plain_or_refuse(wanted);
  SELECT attnum, atttypid, attcollation INTO STRICT deciding
    FROM pg_attribute WHERE attrelid = wanted AND attname = decides;
  IF EXISTS (SELECT FROM pg_index WHERE indrelid = wanted AND indisunique AND deciding.attnum <> ALL (indkey)) THEN
    RAISE EXCEPTION 'Distributed relations cannot have UNIQUE, EXCLUDE, or PRIMARY KEY constraints that do not '
      'include the partition column: %', wanted;
  END IF;
  IF colocate_with <> 'none' THEN
    SELECT atttypid, attcollation INTO STRICT other FROM public.pg_dist_partition JOIN pg_attribute
      ON attrelid = logicalrelid AND attname = partkey WHERE logicalrelid = colocate_with::regclass;
    IF (deciding.atttypid, deciding.attcollation) <> (other.atttypid, other.attcollation) THEN
      RAISE EXCEPTION 'cannot colocate tables % and %', wanted, colocate_with;
    END IF;
  END IF;
  INSERT INTO public.pg_dist_partition VALUES (wanted, 'h', decides, colocate_with);
END $$;
"""


def stand_in(url: str) -> None:
    """Put the functions into a database; its user is the server's own."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(_SQL.encode())
