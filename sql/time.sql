-- time: dates, times and durations in text, on the server's own zones
\pset null '-'
SET timezone = 'UTC';
SELECT matched, start_at, during, granularity, kind, rrule, ambiguous
FROM scheduler.parse_when('Tea – dentist tomorrow 9, then the report before Friday noon; every other Tuesday', '2024-06-05 10:15-04', 'America/New_York');
SELECT matched, starts_at, ends_at FROM scheduler.parse_when('from 9 to 11:30 on 12 June', '2024-06-05 10:15+00', 'Asia/Tokyo');
SELECT count(*) AS none FROM scheduler.parse_when('may I march on? version 1.2.3 costs $5.30, see page 3', '2024-06-05 10:15+00', 'UTC');
SELECT count(*) AS nothing FROM scheduler.parse_when('');
-- more phrases than one batch, and their places
SELECT count(*), count(DISTINCT start_at), min(start_at), max(start_at)
FROM scheduler.parse_when(repeat('é Friday. ', 1000), '2024-06-05 10:15+00', 'UTC');
-- zones: a gap takes the offset before it, the first of two occurrences, half hours, a day that was left out
SELECT p.phrase, w.starts_at
FROM (VALUES ('31 March 2024 02:30', 'Europe/Berlin'), ('27 October 2024 02:30', 'Europe/Berlin'),
	('10 March 2024 02:30', 'America/New_York'), ('3 November 2024 01:30', 'America/New_York'),
	('6 October 2024 02:15', 'Australia/Lord_Howe'), ('7 April 2024 01:45', 'Australia/Lord_Howe'),
	('30 December 2011 10:00', 'Pacific/Apia'), ('1 June 2024 12:00', 'Asia/Kathmandu'), ('1 June 2024 12:00', 'UTC')) AS p (phrase, zone),
	scheduler.parse_when(p.phrase, '2024-06-05 10:15+00', p.zone) AS w;
SELECT w.starts_at, p.phrase
FROM unnest(ARRAY['12 June 14:00 Europe/Paris', '12 June 6 pm Eastern', '12 June 9 am PT', '12 June 14:00 UTC+2', '12 June 3pm JST',
	'12 June 14:00 Nowhere/Land']) AS p (phrase), scheduler.parse_when(p.phrase, '2024-06-05 10:15+00', 'UTC') AS w;
-- the order of figures
SELECT o AS date_order, w.starts_at::date, w.ambiguous
FROM unnest(ARRAY['MDY', 'dmy', 'YMD', NULL]) AS o, scheduler.parse_when('3/4/2025', '2024-06-05 10:15+00', 'UTC', o) AS w;
-- durations
SELECT p, scheduler.parse_duration(p)
FROM unnest(ARRAY['two and a half hours', '90 min', '36 hours', '2 weeks and 3 days', 'a year and a half', '2-3 hours', 'none', '']) AS p;
SELECT scheduler.parse_duration(NULL) IS NULL AS null_in_null_out;

-- whose zone: the user's, else the session's; never an error
SELECT scheduler.user_timezone(), scheduler.user_date_order();
SET timezone = 'Asia/Tokyo';
SELECT scheduler.user_timezone() AS of_the_session;
SELECT w.starts_at FROM scheduler.parse_when('today', '2024-06-05 20:00+00') AS w;
CREATE ROLE regress_tina LOGIN;
SELECT scheduler.create_user('tina@example.org', 'Tina', 'America/New_York', role_name => 'regress_tina') IS NOT NULL AS tina;
UPDATE scheduler.users SET preferences = '{"date_order": "DMY"}' WHERE email = 'tina@example.org';
SET ROLE regress_tina;
SELECT scheduler.user_timezone(), scheduler.user_date_order();
SET timezone = 'UTC';
SELECT w.matched, w.starts_at FROM scheduler.parse_when('today or 3/4/2025', '2024-06-05 02:00+00') AS w;
SELECT w.matched, w.starts_at FROM scheduler.parse_when('today', '2024-06-05 02:00+00', NULL, NULL) AS w;
SELECT count(*) = 1 AS now_by_default FROM scheduler.parse_when('tomorrow') AS w WHERE w.starts_at > now();
SELECT * FROM scheduler.read_when('noon', '2024-06-05 02:00+00', 'UTC', 'MDY');
RESET ROLE;
CREATE ROLE regress_passerby LOGIN;
SET ROLE regress_passerby;
SELECT scheduler.parse_duration('an hour');
RESET ROLE;

-- what cannot be answered
\set SHOW_CONTEXT never
SELECT * FROM scheduler.parse_when('today', '2024-06-05 02:00+00', 'Mars/Olympus');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM scheduler.parse_when('today', '2024-06-05 02:00+00', 'CET-1CEST');
SELECT * FROM scheduler.parse_when('today', '2024-06-05 02:00+00', repeat('x', 10000));
SELECT * FROM scheduler.parse_when('today', '2024-06-05 02:00+00', '../../etc/passwd');
SELECT * FROM scheduler.parse_when('today', '2024-06-05 02:00+00', 'UTC', 'MYD');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM scheduler.parse_when('today', 'infinity', 'UTC');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) AS years_end FROM scheduler.parse_when('tomorrow', '9999-12-31 12:00+00', 'UTC');
SELECT count(*) AS far_away FROM scheduler.parse_when('tomorrow', '200000-12-31 12:00+00', 'UTC');
SELECT count(*) AS before_year_one FROM scheduler.parse_when('tomorrow', '0100-12-31 12:00+00 BC', 'UTC');
DROP OWNED BY regress_tina;
DROP ROLE regress_tina, regress_passerby;
