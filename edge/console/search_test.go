package console

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// A search between two times finds what is shown at a time between them, whatever the device's own clock says.
func TestSearchGoesByTheTimesShown(t *testing.T) {
	j, err := journal.Open(t.TempDir(), journal.Options{Site: "demo", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	// Rows are shown at noon, noon + 1 min and so on, but for the last one.
	for i, row := range []struct {
		own     time.Duration // what the device's clock is ahead
		arrived time.Duration // after noon
		device  bool          // it has a clock of its own
	}{
		{arrived: 0},
		{arrived: time.Minute, own: 5 * time.Minute, device: true},
		{arrived: 2 * time.Minute, own: 40 * 24 * time.Hour, device: true}, // its clock was never set
		{arrived: 3 * time.Minute, own: 2 * time.Hour, device: true},
		{arrived: 4 * time.Minute, own: -3*time.Minute - 30*time.Second, device: true}, // told late: shown at noon and 30 s
	} {
		at := noon.Add(row.arrived + row.own)
		o := observation.New(observation.Class_CLASS_EVENT, at, &observation.XrayImage{OoiId: "x", Rows: uint32(i)})
		o.Device, o.Body.AgentDelayNs = "xray-1", int64(-row.own)
		if row.device {
			o.Body.DeviceTimeNs = at.UnixNano()
		}
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	c := New(Options{Journal: j})
	for _, test := range []struct {
		name, from, to string
		want           []int64
	}{
		{"all", "", "", []int64{3, 2, 1, 4, 0}},
		{"from", "12:01:30", "", []int64{3, 2}},
		{"from exactly", "12:02:00", "", []int64{3, 2}},
		{"to", "", "12:01:30", []int64{1, 4, 0}},
		{"to exactly", "", "12:01:00", []int64{1, 4, 0}},
		{"between", "12:00:20", "12:02:30", []int64{2, 1, 4}},
		{"the devices' own time", "13:00:00", "15:00:00", nil},
		{"before all", "", "11:59:00", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			search := (&api.Server{Log: slog.New(slog.DiscardHandler)}).Handler(nil, api.Answer(&api.GetObservations, c.observations))
			q := url.Values{}
			for name, clock := range map[string]string{"from": test.from, "to": test.to} {
				if clock != "" {
					q.Set(name, "2026-11-28T"+clock+"Z")
				}
			}
			for _, limit := range []string{"200", "2", "1"} {
				q.Set("limit", limit)
				q.Del("before")
				var have []int64
				for pages := 0; ; pages++ {
					w := httptest.NewRecorder()
					search.ServeHTTP(w, httptest.NewRequest("GET", "/v1/observations?"+q.Encode(), nil))
					var found api.Found
					if err := json.Unmarshal(w.Body.Bytes(), &found); err != nil || w.Code != 200 || pages > 9 {
						t.Fatalf("page %d: %d %s", pages, w.Code, w.Body)
					}
					for _, l := range found.Observations {
						have = append(have, l.Idx)
					}
					if found.Next == 0 {
						break
					}
					q.Set("before", strconv.FormatInt(found.Next, 10))
				}
				want := slices.Clone(test.want)
				if limit != "200" { // pages are in the order of arrival
					slices.Sort(want)
					slices.Sort(have)
				}
				if !slices.Equal(have, want) {
					t.Errorf("limit %s: rows %v, want %v", limit, have, want)
				}
			}
		})
	}
}
