package hub

import (
	"fmt"
	"net/http"
	"time"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/reports"
	"lanewarden/sync/hub/views"
)

// report serves hubapi.GetReport.
func (s *httpServer) report(c *api.Call, q hubapi.ReportQuery) (hubapi.Report, error) {
	r, err := s.reportOf(c, q)
	if err != nil {
		return hubapi.Report{}, err
	}
	return *r, nil
}

// reportOf returns a report of the sites that a user sees.
func (s *httpServer) reportOf(c *api.Call, q hubapi.ReportQuery) (*hubapi.Report, error) {
	r, err := reports.Of(s.views, q, c.User.Sees, time.Now())
	if err != nil {
		return nil, err
	}
	var due []hubapi.DueTest
	if s.board != nil {
		due = s.board.DueTests(c.User.Sees)
	}
	reports.TellTests(r, due)
	r.Partial, err = partial(s.views)
	return r, err
}

// partial returns how far the views are while they are behind the ledger, nil while they are not.
func partial(v *views.Views) (*hubapi.Partial, error) {
	b, err := v.Behind(time.Now())
	if b == nil || err != nil {
		return nil, err
	}
	return &hubapi.Partial{Done: b.Done, All: b.All}, nil
}

// exportReport serves hubapi.ExportReport.
func (s *httpServer) exportReport(w http.ResponseWriter, c *api.Call, q hubapi.ReportQuery) error {
	r, err := s.reportOf(c, q)
	if err != nil {
		return err
	}
	asCSV(w, r.Kind+"-"+r.Period, r.Partial)
	return reports.CSV(w, r)
}

// partialHeader is the header of files that are not of all rows: how many are in, of how many.
const partialHeader = "Lanewarden-Partial"

// asCSV writes the head of a file. One that is not of all rows says so in a header and in its name, which stays with it.
func asCSV(w http.ResponseWriter, name string, of *hubapi.Partial) {
	if of != nil {
		w.Header().Set(partialHeader, fmt.Sprintf("%d/%d", of.Done, of.All))
		name += "-partial"
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".csv"))
}
