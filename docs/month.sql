-- The figures of a report, counted from the feed alone: no code of the hub has a part in it. It is what
-- `lanehub report` and GET /v1/reports/month are held against (docs/reports.md; a test does).
--
-- It needs a table event with one column, line: a CloudEvent of the feed a row, as JSON; and a table period with the
-- texts first and last, the first second of the time and the first one after it, in UTC:
--
--   curl -fsS -H "Authorization: Bearer $TOKEN" 'https://hub.example:8490/v1/feed?limit=100000' >feed.ndjson
--   sqlite3 :memory: -cmd '.mode ascii' -cmd '.separator "\037" "\n"' -cmd 'CREATE TABLE event(line TEXT)' \
--     -cmd '.import feed.ndjson event' \
--     -cmd "CREATE TABLE period AS SELECT '2026-11-01T04:00:00' AS first, '2026-12-01T05:00:00' AS last" \
--     -cmd '.mode list' <docs/month.sql

CREATE TABLE row AS SELECT
	json_extract(line, '$.source') AS agent,
	json_extract(line, '$.lwjournal') AS journal,
	CAST(json_extract(line, '$.lwidx') AS INTEGER) AS idx,
	json_extract(line, '$.lwclass') AS class,
	replace(replace(json_extract(line, '$.type'), 'lanewarden.', ''), '.v1', '') AS kind,
	json_extract(line, '$.subject') AS device,
	substr(json_extract(line, '$.time'), 1, 19) AS at,
	json_extract(line, '$.data') AS data
FROM event;

-- The passages that a row about readings names, and the readings that it tells of.
CREATE TABLE about AS
SELECT journal, idx, coalesce(data ->> '$.passageOpened.id', data ->> '$.passageUpdated.id') AS passage FROM row
WHERE kind IN ('passage.opened', 'passage.updated')
UNION SELECT journal, idx, data ->> '$.passageCorrected.from' FROM row WHERE kind='passage.corrected'
UNION SELECT journal, idx, data ->> '$.passageCorrected.to' FROM row WHERE kind='passage.corrected';
CREATE TABLE told AS
SELECT r.journal, r.idx, CAST(e.value ->> '$.idx' AS INTEGER) AS reading,
	coalesce(data ->> '$.passageOpened.id', data ->> '$.passageUpdated.id') AS passage,
	e.value ->> '$.other' AS other, e.value ->> '$.class' AS class, CAST(e.value ->> '$.timeNs' AS INTEGER) AS ns
FROM row r, json_each(coalesce(data -> '$.passageOpened.readings', data -> '$.passageUpdated.readings')) e
WHERE r.kind IN ('passage.opened', 'passage.updated')
UNION ALL
SELECT journal, idx, CAST(coalesce(data ->> '$.passageCorrected.idx', 0) AS INTEGER), coalesce(data ->> '$.passageCorrected.to', ''),
	data ->> '$.passageCorrected.reading.other', data ->> '$.passageCorrected.reading.class',
	CAST(data ->> '$.passageCorrected.reading.timeNs' AS INTEGER)
FROM row WHERE kind='passage.corrected';
INSERT INTO about SELECT DISTINCT journal, idx, other FROM told WHERE other<>'';
DELETE FROM about WHERE passage IS NULL OR passage='';

-- The document of each passage that is closed: the last one.
CREATE TABLE document AS SELECT journal, data ->> '$.passageClosed.id' AS passage, max(idx) AS idx, data -> '$.passageClosed' AS doc
FROM row WHERE kind='passage.closed' GROUP BY 1, 2;

-- What is said last of each reading to each passage: 1 it is its own, 2 it may be, 0 neither.
CREATE TABLE claim AS
SELECT a.journal, a.passage, t.reading, t.idx, CASE a.passage WHEN t.passage THEN 1 WHEN t.other THEN 2 ELSE 0 END AS role, t.class, t.ns
FROM about a JOIN told t ON t.journal=a.journal AND t.idx=a.idx
LEFT JOIN document d ON d.journal=a.journal AND d.passage=a.passage WHERE d.idx IS NULL OR t.idx>d.idx
UNION ALL
SELECT d.journal, d.passage, CAST(coalesce(e.value ->> '$.idx', 0) AS INTEGER), d.idx, 1, e.value ->> '$.class', CAST(e.value ->> '$.timeNs' AS INTEGER)
FROM document d, json_each(d.doc, '$.readings') e
UNION ALL
SELECT d.journal, d.passage, CAST(coalesce(e.value ->> '$.idx', 0) AS INTEGER), d.idx, 2, e.value ->> '$.class', CAST(e.value ->> '$.timeNs' AS INTEGER)
FROM document d, json_each(d.doc, '$.possible') e;
CREATE TABLE place AS SELECT journal, passage, reading, max(idx) AS idx, role, class, ns FROM claim GROUP BY 1, 2, 3;

-- The vehicles: closed ones that did not prove to be another's, and open ones that have a reading.
CREATE TABLE vehicle AS
SELECT p.journal, p.passage,
	coalesce(d.doc ->> '$.lane', (SELECT r.data ->> '$.passageOpened.lane' FROM row r WHERE r.kind='passage.opened'
		AND r.journal=p.journal AND r.data ->> '$.passageOpened.id'=p.passage)) AS lane,
	coalesce(CAST(d.doc ->> '$.openedNs' AS INTEGER), (SELECT min(ns) FROM place q WHERE q.journal=p.journal AND q.passage=p.passage AND role=1)) AS ns,
	(CAST(d.doc ->> '$.closedNs' AS INTEGER)-CAST(d.doc ->> '$.openedNs' AS INTEGER))/1000000000 AS dwell,
	CASE WHEN d.idx IS NULL THEN NULL WHEN coalesce(d.doc ->> '$.lengthM', 0)<=0 THEN 'unknown' WHEN d.doc ->> '$.lengthM'<6 THEN 'short'
		WHEN d.doc ->> '$.lengthM'<12 THEN 'medium' ELSE 'long' END AS class,
	EXISTS (SELECT 1 FROM place q WHERE q.journal=p.journal AND q.passage=p.passage AND role>0 AND q.class=1) AS alarm,
	EXISTS (SELECT 1 FROM json_each(d.doc, '$.stations') s WHERE s.value ->> '$.gap'='PASSAGE_GAP_BLIND') AS blind
FROM (SELECT journal, passage FROM about UNION SELECT journal, passage FROM document) p
LEFT JOIN document d ON d.journal=p.journal AND d.passage=p.passage
WHERE coalesce(d.doc ->> '$.end', '')<>'PASSAGE_END_MERGED'
AND (d.idx IS NOT NULL OR EXISTS (SELECT 1 FROM place q WHERE q.journal=p.journal AND q.passage=p.passage AND role=1));

-- The decision in force of each presentation: that of the highest revision.
CREATE TABLE decision AS SELECT agent, journal, at, data ->> '$.clearanceDecision.lane' AS lane, data ->> '$.clearanceDecision.outcome' AS outcome,
	max(1000000*coalesce(data ->> '$.clearanceDecision.revision', 0)+idx)
FROM row WHERE kind='clearance.decision' GROUP BY journal, data ->> '$.clearanceDecision.presentation';

-- The cases, and the verdict in force of each: what was decided last, or overruled, and not reopened since. That holds
-- while nobody acts on what they had not seen; package edge/cases has the rules for that.
CREATE TABLE alarmcase AS SELECT agent, journal, at, data ->> '$.caseOpened.id' AS id, data ->> '$.caseOpened.lane' AS lane
FROM row WHERE kind='case.opened';
CREATE TABLE verdict AS
SELECT c.agent, c.lane, c.at, c.id, (SELECT CASE r.data ->> '$.caseEvent.action' WHEN 'ACTION_REOPEN' THEN NULL
	ELSE r.data ->> '$.caseEvent.verdict.code' END FROM row r WHERE r.journal=c.journal AND r.kind='case.event'
	AND r.data ->> '$.caseEvent.id'=c.id AND r.data ->> '$.caseEvent.action' IN ('ACTION_DECIDE', 'ACTION_OVERRULE', 'ACTION_REOPEN')
	ORDER BY r.idx DESC LIMIT 1) AS code
FROM alarmcase c;

-- What comes out: agent, lane or device, figure, number.
CREATE TABLE figure AS
WITH v AS (SELECT v.*, (SELECT agent FROM row r WHERE r.journal=v.journal LIMIT 1) AS agent FROM vehicle v, period p
	WHERE strftime('%Y-%m-%dT%H:%M:%S', v.ns/1000000000, 'unixepoch')>=p.first
	AND strftime('%Y-%m-%dT%H:%M:%S', v.ns/1000000000, 'unixepoch')<p.last),
r AS (SELECT r.* FROM row r, period p WHERE r.at>=p.first AND r.at<p.last)
SELECT agent, lane AS name, 'passages' AS figure, count(*) AS n FROM v GROUP BY 1, 2
UNION ALL SELECT agent, lane, 'alarms', sum(alarm) FROM v GROUP BY 1, 2
UNION ALL SELECT agent, lane, 'blind', sum(blind) FROM v GROUP BY 1, 2
UNION ALL SELECT agent, lane, 'dwell', sum(dwell IS NOT NULL AND dwell>=0) FROM v GROUP BY 1, 2
UNION ALL SELECT agent, lane, 'class.' || class, count(*) FROM v WHERE class IS NOT NULL GROUP BY 1, 2, 3
UNION ALL SELECT d.agent, d.lane, 'outcome.' || outcome, count(*) FROM decision d, period p WHERE d.at>=p.first AND d.at<p.last GROUP BY 1, 2, 3
UNION ALL SELECT c.agent, lane, 'cases', count(*) FROM verdict c, period p WHERE c.at>=p.first AND c.at<p.last GROUP BY 1, 2
UNION ALL SELECT c.agent, lane, 'code.' || code, count(*) FROM verdict c, period p WHERE c.at>=p.first AND c.at<p.last
	AND code IS NOT NULL GROUP BY 1, 2, 3
UNION ALL SELECT agent, device, 'alarm.' || kind, count(*) FROM r WHERE class='alarm' GROUP BY 1, 2, 3
UNION ALL SELECT agent, device, 'detections', count(*) FROM r WHERE kind='radiation.occupancy'
	OR kind='radiation.spectrum' AND data ->> '$.radiationSpectrum.occupied' GROUP BY 1, 2;
SELECT agent, name, figure, n FROM figure WHERE n>0 ORDER BY 1, 2, 3;
