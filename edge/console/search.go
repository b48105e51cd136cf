package console

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	firmwareconfig "lanewarden/firmware-config"
)

const (
	searchPage = 200    // results
	searchRows = 20_000 // looked at for one answer
	searchRead = 500    // at a time
)

// query is what is searched for.
type query struct {
	class, device, kind, text string
	raw                       []byte // what text is in hexadecimal; nil when it is not
	limit                     int
	from, to                  time.Time // of the times that are shown; zero for no bound
	first                     int64     // rows before it arrived before from
}

func (q *query) takes(row *journal.Row) bool {
	kind := row.Kind.Name()
	return (q.class == "" || row.Class.Name() == q.class) && (q.device == "" || row.Device == q.device) &&
		(q.kind == "" || kind == q.kind || strings.HasPrefix(kind, q.kind+"."))
}

// observations serves GET /v1/observations?class=&device=&kind=&q=&from=&to=&before=&limit=: the newest that match.
// from and to are held against the time that is shown of each.
func (c *Console) observations(w http.ResponseWriter, r *http.Request) {
	q, before, err := c.parseQuery(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := api.Found{Observations: []api.Line{}, Next: before}
	for looked := 0; out.Next > 0 && len(out.Observations) < q.limit && looked < searchRows; looked += searchRead {
		rows, err := c.Journal.ReadBack(out.Next, searchRead)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if len(rows) == 0 {
			out.Next = 0
			break
		}
		for i := range rows {
			if rows[i].Idx < q.first {
				out.Next = 0
				break
			}
			out.Next = rows[i].Idx
			if len(out.Observations) >= q.limit {
				out.Next++ // this one is on the next page
				break
			}
			ok, err := c.match(&q, &rows[i])
			var line api.Line
			if ok {
				line, err = c.lineOf(&rows[i])
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			if ok {
				out.Observations = append(out.Observations, line)
			}
		}
	}
	newestFirst(out.Observations)
	c.nameCandidates(r.Context(), out.Observations)
	answer(w, out)
}

// newestFirst orders a page by the time that is shown: devices tell late, and the journal's order is that of arrival.
func newestFirst(lines []api.Line) {
	slices.SortStableFunc(lines, func(a, b api.Line) int { return b.Shown().Compare(a.Shown()) })
}

// slack is how much earlier than it arrived an observation may be: devices tell late, and clocks are set.
const slack = time.Hour

// match reports whether a row is searched for. Only a row that fits otherwise is decoded for its time.
func (c *Console) match(q *query, row *journal.Row) (bool, error) {
	if !q.takes(row) || !q.mentions(row) {
		return false, nil
	}
	if q.from.IsZero() && q.to.IsZero() {
		return true, nil
	}
	o, err := row.Observation()
	if err != nil {
		return false, err
	}
	at := c.shown(o)
	return !at.Before(q.from) && (q.to.IsZero() || !at.After(q.to)), nil
}

// mentions reports whether a row has the text in its device, its kind, or what it says: texts stand in an encoded body as
// they are, so it need not be decoded. A text of hexadecimal digits is looked for as bytes too: hashes, EPCs.
func (q *query) mentions(row *journal.Row) bool {
	return q.text == "" || strings.Contains(strings.ToLower(row.Device), q.text) || strings.Contains(row.Kind.Name(), q.text) ||
		bytes.Contains(bytes.ToLower(row.Body), []byte(q.text)) || len(q.raw) >= minRaw && bytes.Contains(row.Body, q.raw)
}

// minRaw is how many bytes a hexadecimal text must stand for: fewer are found in everything.
const minRaw = 4

func (c *Console) parseQuery(r *http.Request) (q query, before int64, err error) {
	v := r.URL.Query()
	q = query{
		class: v.Get("class"), device: v.Get("device"), kind: v.Get("kind"), text: strings.ToLower(v.Get("q")), limit: searchPage,
	}
	q.raw, _ = hex.DecodeString(q.text)
	before = c.Journal.Size()
	if q.class != "" {
		if _, err := observation.ParseClass(q.class); err != nil {
			return q, 0, err
		}
	}
	if text := v.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 || q.limit > searchPage {
			return q, 0, fmt.Errorf("limit=%.80q is not a number from 1 to %d", text, searchPage)
		}
	}
	if text := v.Get("from"); text != "" {
		if q.from, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return q, 0, fmt.Errorf("from=%.80q is not a time like 2026-11-25T03:12:00Z", text)
		}
		if q.first, err = c.Journal.Arrived(q.from.Add(-slack)); err != nil {
			return q, 0, err
		}
	}
	if text := v.Get("to"); text != "" {
		if q.to, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return q, 0, fmt.Errorf("to=%.80q is not a time like 2026-11-25T03:12:00Z", text)
		}
		if before, err = c.Journal.Arrived(q.to.Add(slack)); err != nil {
			return q, 0, err
		}
	}
	if text := v.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return q, 0, fmt.Errorf("before=%.80q is no row", text)
		}
		before = min(before, n)
	}
	return q, before, nil
}

// deviceDetail serves GET /v1/devices/{device}.
func (c *Console) deviceDetail(w http.ResponseWriter, r *http.Request) {
	s, ok := c.device(r.PathValue("device"))
	if !ok {
		http.Error(w, c.noDevice(r.PathValue("device")), http.StatusNotFound)
		return
	}
	out := api.DeviceDetail{Status: s, Config: c.ConfigPath, Settings: []firmwareconfig.Setting{}}
	for _, d := range c.Devices {
		if d.ID == s.ID {
			out.Settings = d.InForce()
		}
	}
	answer(w, out)
}

// verify serves POST /v1/evidence/verification: it hashes every row again, one request at a time.
func (c *Console) verify(w http.ResponseWriter, r *http.Request) {
	select {
	case c.verifying <- struct{}{}:
		defer func() { <-c.verifying }()
	default:
		http.Error(w, "a verification is under way", http.StatusConflict)
		return
	}
	begin := time.Now()
	_, report, err := journal.Audit(r.Context(), c.JournalDir, "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	v := api.Verdict{
		OK: report.OK(), Rows: report.Rows, Signed: report.Signed, Checkpoints: report.Checkpoints, Root: report.Root.String(),
		Findings: append([]string{}, report.Findings...), Seconds: time.Since(begin).Seconds(),
	}
	if err := c.access.audit(r.Context(), user(r), "verification", fmt.Sprintf("%d %s, OK: %v",
		v.Rows, english.PluralWord(int(v.Rows), "row", ""), v.OK)); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, v)
}
