-- identity: users and who is asking
SELECT scheduler.version() ~ '^\d+\.\d+\.\d+$' AS version;
SELECT scheduler.current_user_id() IS NULL AS nobody;
SELECT scheduler.required_user_id() = scheduler.system_user_id() AS superuser_is_system;
SELECT scheduler.is_timezone('Europe/Berlin') AS berlin, scheduler.is_timezone('Mars/Olympus') AS mars,
	scheduler.is_timezone('CET-1CEST') AS posix;
SELECT count(*) = 100000 AND count(DISTINCT u) = 100000 AS unique, bool_and(u > previous) AS rising
FROM (SELECT u, lag(u) OVER (ORDER BY n) AS previous
	FROM (SELECT n, scheduler.uuid7() AS u FROM generate_series(1, 100000) AS n) AS keys) AS pairs;
